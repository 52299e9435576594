using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>What the manager's state file holds when writes of it fail, with writes held by the test and the targets' savings spoken by it.</summary>
public sealed class StateSavesTests : TestKit
{
    private static readonly TargetName Name = new("iqn.2018-05.test:one");

    private readonly TempDirectory _directory = new();
    private readonly TargetBoard _board = new();
    private readonly IActorRef _manager;
    private readonly int _id;

    public StateSavesTests()
    {
        var settings = new TargetSettings { SaveRetry = TimeSpan.FromMilliseconds(100) };
        var services = new TargetServices(new BlockingThreads(), TestActor, new BufferPool(), _ => { }, _board, new PeerLog(Log, TimeProvider.System));
        _manager = Sys.ActorOf(TargetManagerActor.PropsFor(settings, services, new StateFile(_directory.Path), _board));
        Ask<TargetsReady>(new AwaitReady());
        _id = Ask<TargetAdded>(new AddTarget(Name)).TargetId;
    }

    private string StateFilePath => _directory["state.json"];

    private StoredTarget Stored => Assert.Single(new StateFile(_directory.Path).Load().Targets, t => t.Id == _id);

    private StoredTarget StoredIn(string written)
    {
        File.WriteAllText(Path.Combine(_directory.Subdirectory("copy"), "state.json"), written);
        return Assert.Single(new StateFile(_directory["copy"]).Load().Targets, t => t.Id == _id);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _directory.Dispose();
    }

    private void Say(object command) => _manager.Tell(command, TestActor);

    private T Ask<T>(object command)
    {
        Say(command);
        return ExpectMsg<T>(TimeSpan.FromSeconds(10));
    }

    private SaveLuns Propose(int lun, string path, long number) =>
        new(_id, [new LunChange.Proposed(new StoredLun(lun, path, null, new StoredFile(1, (ulong)number)))], number);

    [Fact]
    public void A_lun_that_is_refused_as_not_saved_does_not_come_with_what_is_saved_later()
    {
        Directory.CreateDirectory(StateFilePath + ".new");
        Assert.Equal(1, Ask<LunsNotSaved>(Propose(0, "/disks/refused.qcow2", 1)).Number);
        Directory.Delete(StateFilePath + ".new");
        Ask<TargetAdded>(new AddTarget(new TargetName("iqn.2018-05.test:two")));
        Assert.Empty(Stored.Luns);
    }

    [Fact]
    public void A_save_that_waited_for_one_that_failed_carries_nothing_of_that_and_all_of_its_own()
    {
        Ask<LunsSaved>(Propose(0, "/disks/former.qcow2", 1));
        var held = new HeldState(StateFilePath);
        Say(Propose(0, "/disks/refused.qcow2", 2));
        Say(Propose(1, "/disks/wanted.qcow2", 3));
        Assert.Contains("refused", held.FailOne(), StringComparison.Ordinal);
        Assert.Equal(2, ExpectMsg<LunsNotSaved>().Number);
        var written = held.PassOne();
        Assert.Equal(3, ExpectMsg<LunsSaved>().Number);
        Assert.Equal(["/disks/former.qcow2", "/disks/wanted.qcow2"], StoredIn(written).Luns.Select(l => l.Path));
    }

    [Fact]
    public void The_later_of_two_savings_of_a_lun_stands_though_the_earlier_failed()
    {
        var held = new HeldState(StateFilePath);
        Say(Propose(0, "/disks/refused.qcow2", 1));
        Say(Propose(0, "/disks/later.qcow2", 2));
        held.FailOne();
        Assert.Equal(1, ExpectMsg<LunsNotSaved>().Number);
        var written = held.PassOne();
        Assert.Equal(2, ExpectMsg<LunsSaved>().Number);
        Assert.Equal("/disks/later.qcow2", Assert.Single(StoredIn(written).Luns).Path);
    }

    [Fact]
    public void That_a_lun_has_gone_reaches_the_file_once_it_can_be_written_though_nobody_asks_again()
    {
        Ask<LunsSaved>(Propose(0, "/disks/a.qcow2", 1));
        Directory.CreateDirectory(StateFilePath + ".new");
        Ask<LunsNotSaved>(new SaveLuns(_id, [new LunChange.InForce(0, null)], 2));
        Assert.Single(Stored.Luns);
        Directory.Delete(StateFilePath + ".new");
        Eventually.Now(() => Stored.Luns.Count == 0);
    }

    [Fact]
    public void A_change_of_access_is_in_force_when_it_is_said_to_be_though_one_before_it_was_not_saved()
    {
        var held = new HeldState(StateFilePath);
        var clients = Enumerable.Range(1, 3).Select(i => CreateTestProbe($"client{i}")).ToArray();
        for (var i = 0; i < clients.Length; i++)
            _manager.Tell(Admitting($"iqn.client{i + 1}"), clients[i].Ref);
        Assert.Contains("iqn.client1", held.FailOne(), StringComparison.Ordinal);
        Assert.Equal(RefusalReason.StateNotSaved, clients[0].ExpectMsg<CommandRefused>().Reason);
        Assert.Contains("iqn.client2", held.PassOne(), StringComparison.Ordinal);
        clients[1].ExpectMsg<AccessChanged>();
        clients[2].ExpectMsg<AccessChanged>();
        Assert.Equal(["iqn.client3"], Access.Initiators);
        Assert.Equal(["iqn.client3"], Stored.Access!.Initiators);
    }

    [Fact]
    public void Changes_of_access_that_are_not_saved_leave_what_was_before_all_of_them()
    {
        Ask<AccessChanged>(Admitting("iqn.before"));
        var held = new HeldState(StateFilePath);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        held.FailOne();
        ExpectMsg<CommandRefused>();
        Assert.Contains("iqn.client2", held.FailOne(), StringComparison.Ordinal);
        ExpectMsg<CommandRefused>();
        Assert.Equal(["iqn.before"], Access.Initiators);
        Assert.Contains("iqn.before", held.PassOne(), StringComparison.Ordinal);   // tried again by itself
    }

    [Fact]
    public void A_change_of_access_that_waits_is_refused_when_its_target_goes_meanwhile()
    {
        var held = new HeldState(StateFilePath);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        var deleter = CreateTestProbe("deleter");
        _manager.Tell(new DeleteTarget(Name, ConnectedInitiators.Refuse), deleter.Ref);
        Eventually.Now(() => !_board.Targets.Any());
        held.PassOne();
        Assert.Equal(RefusalReason.TargetDoesNotExist, ExpectMsg<CommandRefused>().Reason);
        Assert.Equal(RefusalReason.TargetDoesNotExist, ExpectMsg<CommandRefused>().Reason);
        deleter.ExpectMsg<TargetDeleted>();
    }

    [Fact]
    public void A_change_of_access_that_waits_is_refused_when_the_daemon_closes_and_the_one_in_hand_is_answered()
    {
        var held = new HeldState(StateFilePath);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        var closer = CreateTestProbe("closer");
        _manager.Tell(new CloseTargets(), closer.Ref);
        Assert.Equal(RefusalReason.ShuttingDown, ExpectMsg<CommandRefused>().Reason);
        held.PassOne();
        ExpectMsg<AccessChanged>();
        closer.ExpectMsg<TargetsClosed>();
    }

    [Fact]
    public void What_is_not_saved_of_a_target_that_was_built_again_goes_back_to_the_rules_of_now()
    {
        var before = Ask<TargetFound>(new FindTarget(Name)).Target;
        var held = new HeldState(StateFilePath);
        Say(Admitting("iqn.client1"));
        Watch(before);
        Sys.Stop(before);
        ExpectTerminated(before);
        Eventually.Now(() => !Ask<TargetFound>(new FindTarget(Name)).Target.Equals(before));
        Assert.Equal(["iqn.client1"], Access.Initiators);
        held.FailOne();
        ExpectMsg<CommandRefused>();
        Assert.Empty(Access.Initiators);
        Assert.DoesNotContain("iqn.client1", held.PassOne(), StringComparison.Ordinal);
    }

    private AccessRules Access => Assert.Single(_board.Targets).Access;

    private static ChangeAccess Admitting(string initiator) => new(Name, new AccessChange(null, null, [initiator], null));
}
