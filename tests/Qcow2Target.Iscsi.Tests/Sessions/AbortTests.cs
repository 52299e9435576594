using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;

namespace Qcow2Target.Iscsi.Tests.Sessions;

public sealed class AbortTests
{
    private readonly SessionHarness _session = new();

    [Fact]
    public async Task A_slow_read_is_abandoned_at_once_and_its_result_dropped()
    {
        _session.Executor.ReadsAreSlow = true;
        var tag = _session.Read(0, 8);
        var result = _session.Machine.AbortTasks(TaskFilter.ByTag(tag));
        Assert.Equal(1, result.Count);
        Assert.True(result.Quiet.IsCompletedSuccessfully);
        Assert.Equal(0, _session.Machine.TaskCount);
        Assert.Equal(0, _session.Executor.Gone);
        _session.Executor.EndAll();
        Assert.Equal(1, _session.Executor.Gone);
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_write_under_way_is_waited_for_and_sends_no_status()
    {
        _session.Executor.WritesAreSlow = true;
        var tag = _session.Write(0, 1, new byte[512]);
        var result = _session.Machine.AbortTasks(TaskFilter.ByTag(tag));
        Assert.Equal(1, result.Count);
        Assert.False(result.Quiet.IsCompleted);

        // Who comes later waits for it too, though it is no task any more.
        var second = _session.Machine.AbortTasks(TaskFilter.ByLun(SessionHarness.Lun0));
        Assert.Equal(0, second.Count);
        Assert.False(second.Quiet.IsCompleted);
        _session.Executor.EndAll();
        await result.Quiet.WaitAsync(TimeSpan.FromSeconds(10));
        await second.Quiet.WaitAsync(TimeSpan.FromSeconds(10));
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_flush_under_way_is_waited_for()
    {
        var tag = _session.Flush();
        var result = _session.Machine.AbortTasks(TaskFilter.ByTag(tag));
        Assert.False(result.Quiet.IsCompleted);
        _session.Executor.EndAll();
        await result.Quiet.WaitAsync(TimeSpan.FromSeconds(10));
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_write_that_waits_for_data_is_forgotten_and_its_data_dropped()
    {
        var tag = _session.Write(0, 200, new byte[512]);
        var r2t = _session.Only<ReadyToTransferPdu>();
        Assert.True(_session.Machine.AbortTasks(TaskFilter.ByTag(tag)).Quiet.IsCompleted);
        Assert.Equal(1, _session.Executor.Gone);
        _session.DataOut(tag, r2t.TargetTransferTag, 0, 512, new byte[200 * 512 - 512], final: true);
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public void The_response_of_a_function_does_not_overtake_the_answer_of_a_task_that_it_found_answered()
    {
        _session.Send(new TaskManagementRequestPdu { IsImmediate = true, Function = TaskManagementFunction.AbortTask, InitiatorTaskTag = 5, CmdSn = _session.CmdSn + 9 });
        Assert.True(_session.Executor.Requests.TryDequeue(out var request));
        var answered = _session.CommandPdu(new byte[16], 0, read: false, write: false, final: true, SessionHarness.Lun0, tag: 1);
        var next = _session.CommandPdu(new byte[16], 0, read: false, write: false, final: true, SessionHarness.Lun0, tag: 2);
        _session.Executor.OnBegin = task =>
        {
            if (task.InitiatorTaskTag != next.InitiatorTaskTag) return;

            // The connection's thread has the first answer in its hands still.
            var manager = new Thread(() =>
            {
                Assert.Equal(0, _session.Machine.AbortTasks(TaskFilter.ByTag(answered.InitiatorTaskTag)).Count);
                request.Respond(TaskManagementResponse.TaskDoesNotExist);
            });
            manager.Start();
            manager.Join();
        };
        _session.Machine.Receive([.. _session.Bytes(answered), .. _session.Bytes(next)]);
        Assert.Equal([1u, 2u, 5u], _session.Drain().Select(pdu => pdu.InitiatorTaskTag));
    }

    [Fact]
    public void An_answered_task_does_not_exist()
    {
        var tag = _session.TestUnitReady();
        Assert.Equal(0, _session.Machine.AbortTasks(TaskFilter.ByTag(tag)).Count);
    }

    [Fact]
    public async Task A_lun_reset_takes_the_tasks_of_its_lun_that_came_before_it()
    {
        _session.Executor.ReadsAreSlow = true;
        var first = _session.Read(0, 1);
        var other = _session.Read(0, 1, lun: SessionHarness.Lun1);
        var cmdSn = _session.CmdSn;
        var later = _session.Read(0, 1);
        var result = _session.Machine.AbortTasks(TaskFilter.ByLun(SessionHarness.Lun0).Before(cmdSn));
        Assert.Equal(1, result.Count);
        _session.Executor.EndAll();
        Assert.Equal([other, later], _session.Drain().Select(pdu => pdu.InitiatorTaskTag).Order());
        Assert.DoesNotContain(first, new[] { other, later });
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Parked_reads_end_at_once()
    {
        for (var i = 0; i < 6; i++) _session.Read(0, 512);
        Assert.True(_session.Machine.ParkedCount > 0);
        _session.Machine.AbortTasks(TaskFilter.All);
        Assert.Equal(0, _session.Machine.ParkedCount);
        Assert.Equal(0, _session.Machine.TaskCount);
        Assert.Equal(6, _session.Executor.Gone);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task An_abort_that_frees_a_closed_window_says_so()
    {
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0; i < IscsiLimits.MaxTasks; i++) _session.Read(0, 1);
        _session.AssertSilent();
        _session.Machine.AbortTasks(TaskFilter.All);
        _session.Executor.EndAll();
        var pdus = _session.Drain();
        var nop = pdus[0].As<NopInPdu>();
        Assert.Equal((BasicHeader.NoTag, BasicHeader.NoTag, 1000u), (nop.InitiatorTaskTag, nop.TargetTransferTag, nop.StatSn));
        Assert.True(nop.MaxCmdSn - nop.ExpCmdSn < IscsiLimits.MaxTasks);
        Assert.True(_session.OutputReadyCount > 0);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(TaskManagementFunction.AbortTask)]
    [InlineData(TaskManagementFunction.AbortTaskSet)]
    [InlineData(TaskManagementFunction.ClearAca)]
    [InlineData(TaskManagementFunction.ClearTaskSet)]
    [InlineData(TaskManagementFunction.LogicalUnitReset)]
    [InlineData(TaskManagementFunction.TargetWarmReset)]
    [InlineData(TaskManagementFunction.TargetColdReset)]
    public async Task A_function_goes_to_the_executor_and_its_response_out_once(TaskManagementFunction function)
    {
        var tag = _session.TestUnitReady();
        Manage(function, SessionHarness.Lun1, tag);
        Assert.True(_session.Executor.Requests.TryDequeue(out var request));
        Assert.Equal((function, SessionHarness.Lun1, tag, _session.CmdSn), (request.Function, request.Lun, request.ReferencedTaskTag, request.CmdSn));
        request.Respond(TaskManagementResponse.TaskDoesNotExist);
        request.Respond(TaskManagementResponse.Complete);
        var pdus = _session.Drain();
        Assert.Equal([Opcode.ScsiResponse, Opcode.TaskManagementResponse], pdus.Select(pdu => pdu.Opcode));
        Assert.Equal((TaskManagementResponse.TaskDoesNotExist, 1001u), (pdus[1].As<TaskManagementResponsePdu>().Response, pdus[1].As<TaskManagementResponsePdu>().StatSn));
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(8, TaskManagementResponse.ReassignmentNotSupported)]
    [InlineData(9, TaskManagementResponse.NotSupported)]
    [InlineData(0, TaskManagementResponse.NotSupported)]
    [InlineData(127, TaskManagementResponse.NotSupported)]
    public void What_no_target_here_does_is_answered_by_the_machine(byte function, TaskManagementResponse response)
    {
        Manage((TaskManagementFunction)function, 0, 0);
        Assert.Equal(response, _session.Only<TaskManagementResponsePdu>().Response);
        Assert.Empty(_session.Executor.Requests);
    }

    [Fact]
    public void Too_many_functions_at_once_are_rejected()
    {
        for (var i = 0; i < IscsiLimits.MaxTaskManagementRequests; i++) Manage(TaskManagementFunction.AbortTaskSet, 0, 0);
        _session.AssertSilent();
        Manage(TaskManagementFunction.AbortTaskSet, 0, 0);
        Assert.Equal(TaskManagementResponse.Rejected, _session.Only<TaskManagementResponsePdu>().Response);
        while (_session.Executor.Requests.TryDequeue(out var request)) request.Respond(TaskManagementResponse.Complete);
        _session.Drain();
        Manage(TaskManagementFunction.AbortTaskSet, 0, 0);
        Assert.Single(_session.Executor.Requests);
    }

    private void Manage(TaskManagementFunction function, ulong lun, uint referenced) => _session.Send(new TaskManagementRequestPdu
    {
        IsImmediate = true,
        Function = function,
        Lun = lun,
        InitiatorTaskTag = _session.NextTag(),
        ReferencedTaskTag = referenced,
        CmdSn = _session.CmdSn,
    });
}
