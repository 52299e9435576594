using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>A session whose CmdSN goes through 2^32 while its window is full (RFC 7143 section 4.2.2.1).</summary>
public sealed class SequenceWrapTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>
{
    private const string Target = "iqn.2018-05.local:wrap";
    private const int Commands = 400, Blocks = 8;

    [Theory]
    [InlineData(0xFFFF_FFFFu)]
    [InlineData(0xFFFF_FFF0u)]
    [InlineData(0xFFFF_FF00u)]
    [InlineData(0x7FFF_FFF0u)]
    public async Task Many_commands_at_once_go_through_the_wrap(uint first)
    {
        string target = $"{Target}-{first:x}", disk = $"{first:x}.qcow2";
        QemuImg.Create(fixture.Daemon.Disk(disk), Commands * Blocks * Cdb.BlockLength);
        await fixture.Daemon.AddTargetAsync(target);
        await fixture.Daemon.AttachAsync(target, disk);
        SessionOptions options = new() { TargetName = target, FirstCommandSequence = first, ImmediateData = false, InitialR2T = true };
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(fixture.Daemon.Portal, options);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, Commands).Select(i => session.Start(Cdb.Write16(i * Blocks, Content(i))).Result)), result => Assert.True(result.IsGood, $"{result}"));
        byte[][] read = [.. Enumerable.Range(0, Commands).Select(_ => new byte[Blocks * Cdb.BlockLength])];
        Assert.All(await Task.WhenAll(read.Select((data, i) => session.Start(Cdb.Read16(i * Blocks, data)).Result)), result => Assert.True(result.IsGood, $"{result}"));
        for (int i = 0; i < Commands; i++) Assert.Equal(Content(i), read[i]);
        await session.LogoutAsync();
    }

    private static byte[] Content(int number)
    {
        byte[] content = new byte[Blocks * Cdb.BlockLength];
        new Random(number).NextBytes(content);
        return content;
    }
}
