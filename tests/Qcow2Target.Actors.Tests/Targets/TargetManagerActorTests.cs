using System.Net;
using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Scsi.Operations;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>The manager and its targets, with the image registry played by the test.</summary>
public sealed class TargetManagerActorTests : TestKit
{
    private static readonly TargetName Name = new("iqn.2018-05.test:one");

    private readonly TempDirectory _directory = new();
    private readonly TargetBoard _board = new();
    private readonly TestProbe _images;
    private IActorRef _manager;
    private string? _fatal;

    public TargetManagerActorTests()
    {
        _images = CreateTestProbe("images");
        _manager = Start();
        Assert.Equal(0, Ask<TargetsReady>(new AwaitReady()).Targets);
        Eventually.Now(() => File.Exists(StateFilePath));   // the manager's first save is over: the file is the test's
    }

    private string StateFilePath => Path.Combine(_directory.Path, "state.json");

    protected override void AfterAll()
    {
        base.AfterAll();
        _directory.Dispose();
    }

    private IActorRef Start() => Start(TimeSpan.FromSeconds(30));

    private IActorRef Start(TimeSpan deadline)
    {
        var settings = new TargetSettings { CommandDeadline = deadline, RestorePatience = TimeSpan.FromSeconds(2) };
        var services = new TargetServices(new BlockingThreads(), _images.Ref, new BufferPool(), reason => _fatal = reason, _board, new PeerLog(Log, TimeProvider.System));
        return Sys.ActorOf(TargetManagerActor.PropsFor(settings, services, new StateFile(_directory.Path), _board));
    }

    private void RestartWithDeadline(TimeSpan deadline)
    {
        Watch(_manager);
        Sys.Stop(_manager);
        ExpectTerminated(_manager);
        _manager = Start(deadline);
        Ask<TargetsReady>(new AwaitReady());
    }

    private T Ask<T>(object command)
    {
        _manager.Tell(command, TestActor);
        return ExpectMsg<T>(TimeSpan.FromSeconds(10));
    }

    private RefusalReason Refused(object command) => Ask<CommandRefused>(command).Reason;

    private TargetView View() => Assert.Single(Ask<TargetList>(new ListTargets(Name)).Targets);

    [Fact]
    public void A_target_is_on_stable_storage_when_its_reply_comes()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        Assert.Contains(Name.Shown, File.ReadAllText(StateFilePath), StringComparison.Ordinal);
        Assert.Equal(Name, Assert.Single(_board.Targets).Name);
    }

    [Fact]
    public void A_name_is_taken_once_in_whatever_case()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        Assert.Equal(RefusalReason.TargetAlreadyExists, Refused(new AddTarget(new TargetName("iqn.2018-05.TEST:ONE"))));
    }

    [Fact]
    public void A_deleted_name_can_be_added_again_under_another_id()
    {
        var first = Ask<TargetAdded>(new AddTarget(Name)).TargetId;
        Ask<TargetDeleted>(new DeleteTarget(Name, ConnectedInitiators.Refuse));
        Assert.Empty(_board.Targets);
        Assert.NotEqual(first, Ask<TargetAdded>(new AddTarget(Name)).TargetId);
        Ask<TargetDeleted>(new DeleteTarget(Name, ConnectedInitiators.Refuse));
        Assert.DoesNotContain(Name.Shown, File.ReadAllText(StateFilePath), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_about_a_target_that_is_not_there_says_so()
    {
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new DeleteTarget(Name, ConnectedInitiators.Refuse)));
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new AttachDisk(Name, "x", null, null)));
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new DetachDisk(Name, 0, ConnectedInitiators.Refuse, UnflushedData.Flush)));
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new ClearTarget(Name, ConnectedInitiators.Refuse, UnflushedData.Flush)));
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new ListTargets(Name)));
        Assert.False(Ask<TargetNotFound>(new FindTarget(Name)).ShuttingDown);
    }

    [Fact]
    public void Sessions_of_the_daemon_are_limited()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        var target = Ask<TargetFound>(new FindTarget(Name)).Target;
        var login = new AdmitLogin(new LoginIdentity("iqn.2018-05.test:i", 1, 0, 1, new IPEndPoint(IPAddress.Loopback, 4000)));
        SessionsElsewhere(ActorLimits.Sessions);
        target.Tell(login, TestActor);
        var refused = ExpectMsg<LoginRefused>();
        Assert.Equal((3, 2), (refused.StatusClass, refused.StatusDetail));
        Assert.Contains("limit Sessions", refused.Reason, StringComparison.Ordinal);
        SessionsElsewhere(ActorLimits.Sessions - 1);
        target.Tell(login, TestActor);
        ExpectMsg<LoginAdmitted>();
    }

    private void SessionsElsewhere(int count)
    {
        NexusView[] nexuses = [.. Enumerable.Range(1, count).Select(i => new NexusView("iqn.2018-05.test:j", (ulong)i, 1, "192.0.2.1:4000", default))];
        var rules = new Published<AccessRules>(AccessRules.Everybody);
        _board.Publish([new Published<TargetView>(new TargetView(99, new TargetName("iqn.2018-05.test:full"), [], nexuses, rules))]);
    }

    [Fact]
    public void A_target_that_cannot_be_saved_is_not_there()
    {
        Directory.CreateDirectory(StateFilePath + ".new");
        Assert.Equal(RefusalReason.StateNotSaved, Refused(new AddTarget(Name)));
        Assert.Equal(RefusalReason.TargetDoesNotExist, Refused(new ListTargets(Name)));
        Directory.Delete(StateFilePath + ".new");
        Ask<TargetAdded>(new AddTarget(Name));
    }

    [Fact]
    public void An_image_that_does_not_open_leaves_no_lun_and_the_reason_is_told()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        _manager.Tell(new AttachDisk(Name, "a.qcow2", null, null), TestActor);
        Assert.Equal("a.qcow2", _images.ExpectMsg<OpenImage>().Path);
        _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, "a.qcow2", "no such file"));
        Assert.Equal(RefusalReason.DiskNotFound, ExpectMsg<CommandRefused>().Reason);
        Assert.Empty(View().LogicalUnits);
    }

    [Fact]
    public void An_image_that_never_opens_is_given_up_at_the_deadline_and_later_commands_work()
    {
        RestartWithDeadline(TimeSpan.FromSeconds(1));
        Ask<TargetAdded>(new AddTarget(Name));
        _manager.Tell(new AttachDisk(Name, "a.qcow2", null, null), TestActor);
        _images.ExpectMsg<OpenImage>();
        var slow = _images.LastSender;
        Assert.Equal(DiskReadiness.Opening, Assert.Single(View().LogicalUnits).Readiness);
        Assert.Equal(RefusalReason.Deadline, ExpectMsg<CommandRefused>(TimeSpan.FromSeconds(5)).Reason);

        Assert.Equal(RefusalReason.LogicalUnitNotFound, Refused(new DetachDisk(Name, 5, ConnectedInitiators.Refuse, UnflushedData.Flush)));
        Assert.Equal(RefusalReason.Detaching, Refused(new DetachDisk(Name, 0, ConnectedInitiators.Refuse, UnflushedData.Flush)));

        slow.Tell(new ImageNotOpened(RefusalReason.DiskFault, "a.qcow2", "the mount came back"), _images.Ref);
        AwaitAssert(() => Assert.Empty(View().LogicalUnits), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void While_one_target_waits_for_a_disk_list_and_other_targets_answer()
    {
        RestartWithDeadline(TimeSpan.FromSeconds(1));
        var other = new TargetName("iqn.2018-05.test:two");
        Ask<TargetAdded>(new AddTarget(Name));
        Ask<TargetAdded>(new AddTarget(other));
        var client = CreateTestProbe("client");
        _manager.Tell(new AttachDisk(Name, "a.qcow2", null, null), client.Ref);
        _images.ExpectMsg<OpenImage>();
        Assert.Equal(2, Ask<TargetList>(new ListTargets(null)).Targets.Count);
        Ask<TargetDeleted>(new DeleteTarget(other, ConnectedInitiators.Refuse));
        client.ExpectMsg<CommandRefused>(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Commands_for_one_target_are_done_one_after_the_other()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        _manager.Tell(new AttachDisk(Name, "a.qcow2", 3, null), TestActor);
        _images.ExpectMsg<OpenImage>();
        var first = _images.LastSender;
        _manager.Tell(new AttachDisk(Name, "b.qcow2", 3, null), TestActor);
        _images.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        first.Tell(new ImageNotOpened(RefusalReason.DiskNotFound, "a.qcow2", "no"), _images.Ref);
        Assert.Equal("a.qcow2", ExpectMsg<CommandRefused>().Subject);
        Assert.Equal("b.qcow2", _images.ExpectMsg<OpenImage>().Path);
        _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, "b.qcow2", "no"));
        Assert.Equal("b.qcow2", ExpectMsg<CommandRefused>().Subject);
    }

    [Fact]
    public void What_the_state_file_holds_is_tried_again_and_shown_until_it_opens()
    {
        new StateFile(_directory.Path).Save(new StoredState(StoredState.CurrentVersion, Guid.NewGuid(),
            [new StoredTarget(9, Name.Shown, [new StoredLun(4, "/disks/gone.qcow2", null, new StoredFile(1, 2))])]));
        var manager = Start();
        Assert.Equal("/disks/gone.qcow2", _images.ExpectMsg<OpenImage>().Path);
        _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, "/disks/gone.qcow2", "no such file"));
        manager.Tell(new AwaitReady(), TestActor);
        Assert.Equal(1, ExpectMsg<TargetsReady>().NotReady);
        manager.Tell(new ListTargets(null), TestActor);
        var unit = Assert.Single(Assert.Single(ExpectMsg<TargetList>().Targets).LogicalUnits);
        Assert.Equal((4, DiskReadiness.Recovering, "no such file"), (unit.Lun, unit.Readiness, unit.Reason));
        _images.ExpectMsg<OpenImage>(TimeSpan.FromSeconds(5));   // and again
        manager.Tell(new DetachDisk(Name, 4, ConnectedInitiators.Refuse, UnflushedData.Flush), TestActor);
        _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, "/disks/gone.qcow2", "no such file"));
        Assert.Equal("/disks/gone.qcow2", ExpectMsg<DiskDetached>().Path);
    }

    [Fact]
    public void Of_luns_that_are_detached_together_those_that_closed_leave_the_state_file_though_another_is_late()
    {
        const string Late = "/disks/late.qcow2", Quick = "/disks/quick.qcow2";
        new StateFile(_directory.Path).Save(new StoredState(StoredState.CurrentVersion, Guid.NewGuid(),
            [new StoredTarget(9, Name.Shown, [new StoredLun(4, Late, null, new StoredFile(1, 2)), new StoredLun(5, Quick, null, new StoredFile(1, 3))])]));
        var manager = Start(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 2; i++)
            _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, _images.ExpectMsg<OpenImage>().Path, "no such file"));
        for (var i = 0; i < 2; i++)   // tried again: one of them stays in that
        {
            if (_images.ExpectMsg<OpenImage>(TimeSpan.FromSeconds(5)).Path == Quick)
                _images.Reply(new ImageNotOpened(RefusalReason.DiskNotFound, Quick, "no such file"));
        }
        manager.Tell(new ClearTarget(Name, ConnectedInitiators.Refuse, UnflushedData.Flush), TestActor);
        Assert.Equal(RefusalReason.Detaching, ExpectMsg<CommandRefused>(TimeSpan.FromSeconds(5)).Reason);
        Eventually.Now(() => new StateFile(_directory.Path).Load().Targets.Single().Luns is [{ Path: Late }]);
    }

    [Fact]
    public async Task A_sanitize_operation_is_on_stable_storage_when_it_is_said_to_be_kept()
    {
        var file = new StoredFile(1, 2, 3);
        Assert.True(await KeepAsync(file, new StoredSanitize(file, FailureExit.Allowed, [1, 0, 0, 1, 7])));
        var kept = Assert.Single(new StateFile(_directory.Path).Load().Sanitizes!);
        Assert.Equal((file, FailureExit.Allowed, true), (kept.File, kept.Exit, kept.GivenUp));   // no LUN has that file
        Assert.Equal([1, 0, 0, 1, 7], kept.OverwriteList!);

        Directory.CreateDirectory(StateFilePath + ".new");
        Assert.False(await KeepAsync(file, null));
        Directory.Delete(StateFilePath + ".new");
        Ask<TargetAdded>(new AddTarget(Name));
        Assert.Single(new StateFile(_directory.Path).Load().Sanitizes!);

        Assert.True(await KeepAsync(file, null));
        Assert.Empty(new StateFile(_directory.Path).Load().Sanitizes!);
        Ask<TargetsClosed>(new CloseTargets());
        Assert.False(await KeepAsync(file, new StoredSanitize(file, FailureExit.Allowed, null)));
    }

    private async Task<bool> KeepAsync(StoredFile file, StoredSanitize? sanitize)
    {
        var done = new TaskCompletionSource<bool>();
        _manager.Tell(new KeepSanitize(file, sanitize, done));
        return await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_state_file_that_cannot_be_read_ends_the_daemon_by_name()
    {
        File.WriteAllText(StateFilePath, "nonsense");
        Start();
        AwaitAssert(() => Assert.Contains(StateFilePath, _fatal ?? "", StringComparison.Ordinal));
    }

    [Fact]
    public void A_manager_that_is_closing_refuses_and_still_lists()
    {
        Ask<TargetAdded>(new AddTarget(Name));
        Assert.Equal(0, Ask<TargetsClosed>(new CloseTargets()).NotClosed);
        Assert.Equal(RefusalReason.ShuttingDown, Refused(new AddTarget(new TargetName("iqn.2018-05.test:two"))));
        Assert.True(Ask<TargetNotFound>(new FindTarget(Name)).ShuttingDown);
        Assert.Equal(Name, View().Name);
    }
}
