using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests;

/// <summary>The scripted initiator against the machines over a real socket: both are built from the same parts, so the other suites stand behind both.</summary>
public sealed class ScriptedInitiatorTests : IDisposable
{
    private readonly LoopbackTarget _target = new();
    private readonly ScriptedInitiatorLogin _login = new() { TargetName = SessionHarness.TargetName };

    public void Dispose() => _target.Dispose();

    [Theory]
    [InlineData("None", "No", "Yes", "262144")]
    [InlineData("CRC32C", "Yes", "No", "8192")]
    [InlineData("CRC32C", "No", "No", "1000")]
    [InlineData("None", "Yes", "Yes", "512")]
    public async Task What_is_written_is_read_back(string digest, string initialR2T, string immediateData, string segment)
    {
        await using var initiator = await ScriptedInitiator.LogInAsync(
            _target.EndPoint,
            _login.With(("HeaderDigest", digest), ("DataDigest", digest), ("InitialR2T", initialR2T), ("ImmediateData", immediateData), ("MaxRecvDataSegmentLength", segment)));
        var data = new byte[1500 * 512];
        new Random(5).NextBytes(data);
        await initiator.WriteBlocksAsync(0, 7, data);
        Assert.Equal(data, await initiator.ReadBlocksAsync(0, 7, 1500));
        Assert.Equal(LogoutResponseCode.Success, await initiator.LogOutAsync());
        Assert.Null(await initiator.Connection.TryReceiveAsync());
    }

    [Fact]
    public async Task Many_initiators_run_many_commands_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async i =>
        {
            await using var initiator = await ScriptedInitiator.LogInAsync(_target.EndPoint, _login with { Isid = (ulong)i });
            await Task.WhenAll(Enumerable.Range(0, 50).Select(async j =>
            {
                var block = ((i * 50) + j) * 16;
                var data = new byte[16 * 512];
                data.AsSpan().Fill((byte)block);
                await initiator.WriteBlocksAsync(0, block, data);
                Assert.Equal(data, await initiator.ReadBlocksAsync(0, block, 16));
            }));
        }));
    }

    [Fact]
    public async Task Everything_else_has_its_helper()
    {
        _target.Executor.OnManage = request => request.Respond(TaskManagementResponse.Complete);
        await using var initiator = await ScriptedInitiator.LogInAsync(_target.EndPoint, _login);
        Assert.Equal([1, 2, 3], await initiator.NopAsync(new byte[] { 1, 2, 3 }));
        Assert.StartsWith($"TargetName={SessionHarness.TargetName}\0", await initiator.TextAsync("SendTargets=\0"), StringComparison.Ordinal);
        Assert.Equal(TaskManagementResponse.Complete, await initiator.ManageAsync(TaskManagementFunction.LogicalUnitReset));
        var bad = await initiator.ScsiCommandAsync(0, new byte[] { 0xFE, 0, 0, 0, 0, 0 }, readLength: 100);
        Assert.Equal((2, "5/20/00", 100u), (bad.Status, bad.SenseCode, bad.Residual));
        await initiator.Connection.SendAsync(new SnackRequestPdu());
        var reject = await initiator.UnsolicitedAsync(pdu => pdu.Opcode == Opcode.Reject);
        Assert.Equal(RejectReason.SnackReject, reject.As<RejectPdu>().Reason);
        await Assert.ThrowsAsync<TimeoutException>(() => initiator.Connection.ReceiveAsync(TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    public async Task A_refused_login_and_a_discovery_are_told()
    {
        await using var stranger = await ScriptedInitiator.ConnectAsync(_target.EndPoint);
        Assert.Equal(LoginStatus.NotFound, (await stranger.LogInAsync(_login with { TargetName = "iqn.no:such" })).LoginStatus);
        Assert.Null(await stranger.Connection.TryReceiveAsync());
        await using var seeker = await ScriptedInitiator.LogInAsync(_target.EndPoint, _login with { TargetName = null });
        Assert.Contains(SessionHarness.TargetName, await seeker.TextAsync("SendTargets=All\0"), StringComparison.Ordinal);
    }
}
