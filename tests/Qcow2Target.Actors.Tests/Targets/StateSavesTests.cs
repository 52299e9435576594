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
    private readonly BlockingThreads _threads = new();
    private readonly TestProbe _onlooker;
    private readonly IActorRef _manager;
    private readonly int _id;

    public StateSavesTests()
    {
        _onlooker = CreateTestProbe("onlooker");
        var settings = new TargetSettings { SaveRetry = TimeSpan.FromMilliseconds(100) };
        var services = new TargetServices(_threads, TestActor, new BufferPool(), _ => { }, _board, new PeerLog(Log, TimeProvider.System));
        _manager = Sys.ActorOf(TargetManagerActor.PropsFor(settings, services, new StateFile(_directory.Path), _board));
        Ask<TargetsReady>(new AwaitReady());
        _id = Ask<TargetAdded>(new AddTarget(Name)).TargetId;
    }

    private string StateFilePath => _directory["state.json"];

    private StoredTarget Stored => Assert.Single(new StateFile(_directory.Path).Load().Targets, t => t.Id == _id);

    protected override void AfterAll()
    {
        base.AfterAll();
        _directory.Dispose();
    }

    private void Hinder() => Directory.CreateDirectory(StateFilePath + ".new");

    private void Unhinder() => Directory.Delete(StateFilePath + ".new");

    /// <summary>Lets one write through, once the manager has taken all that was said to it before.</summary>
    private void LetOne(HeldWrites held)
    {
        _manager.Tell(new ListTargets(null), _onlooker.Ref);
        _onlooker.ExpectMsg<TargetList>();
        held.LetOne();
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
        Hinder();
        Assert.Equal(1, Ask<LunsNotSaved>(Propose(0, "/disks/refused.qcow2", 1)).Number);
        Unhinder();
        Ask<TargetAdded>(new AddTarget(new TargetName("iqn.2018-05.test:two")));
        Assert.Empty(Stored.Luns);
    }

    [Fact]
    public void A_save_that_waited_for_one_that_failed_carries_nothing_of_that_and_all_of_its_own()
    {
        Ask<LunsSaved>(Propose(0, "/disks/former.qcow2", 1));
        using var held = new HeldWrites(_threads);
        Say(Propose(0, "/disks/refused.qcow2", 2));
        Say(Propose(1, "/disks/wanted.qcow2", 3));
        Hinder();
        LetOne(held);
        Assert.Equal(2, ExpectMsg<LunsNotSaved>().Number);
        Unhinder();
        LetOne(held);
        Assert.Equal(3, ExpectMsg<LunsSaved>().Number);
        Assert.Equal(["/disks/former.qcow2", "/disks/wanted.qcow2"], Stored.Luns.Select(l => l.Path));
    }

    [Fact]
    public void The_later_of_two_savings_of_a_lun_stands_though_the_earlier_failed()
    {
        using var held = new HeldWrites(_threads);
        Say(Propose(0, "/disks/refused.qcow2", 1));
        Say(Propose(0, "/disks/later.qcow2", 2));
        Hinder();
        LetOne(held);
        Assert.Equal(1, ExpectMsg<LunsNotSaved>().Number);
        Unhinder();
        LetOne(held);
        Assert.Equal(2, ExpectMsg<LunsSaved>().Number);
        Assert.Equal("/disks/later.qcow2", Assert.Single(Stored.Luns).Path);
    }

    [Fact]
    public void That_a_lun_has_gone_reaches_the_file_once_it_can_be_written_though_nobody_asks_again()
    {
        Ask<LunsSaved>(Propose(0, "/disks/a.qcow2", 1));
        Hinder();
        Ask<LunsNotSaved>(new SaveLuns(_id, [new LunChange.InForce(0, null)], 2));
        Assert.Single(Stored.Luns);
        Unhinder();
        Eventually.Now(() => Stored.Luns.Count == 0);
    }

    [Fact]
    public void A_change_of_access_is_in_force_when_it_is_said_to_be_though_one_before_it_was_not_saved()
    {
        using var held = new HeldWrites(_threads);
        var clients = Enumerable.Range(1, 3).Select(i => CreateTestProbe($"client{i}")).ToArray();
        for (var i = 0; i < clients.Length; i++)
            _manager.Tell(Admitting($"iqn.client{i + 1}"), clients[i].Ref);
        Hinder();
        LetOne(held);
        Assert.Equal(RefusalReason.StateNotSaved, clients[0].ExpectMsg<CommandRefused>().Reason);
        Unhinder();
        LetOne(held);
        clients[1].ExpectMsg<AccessChanged>();
        Assert.Equal(["iqn.client2"], Stored.Access!.Initiators);
        LetOne(held);
        clients[2].ExpectMsg<AccessChanged>();
        Assert.Equal(["iqn.client3"], Access.Initiators);
        Assert.Equal(["iqn.client3"], Stored.Access!.Initiators);
    }

    [Fact]
    public void Changes_of_access_that_are_not_saved_leave_what_was_before_all_of_them()
    {
        Ask<AccessChanged>(Admitting("iqn.before"));
        using var held = new HeldWrites(_threads);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        Hinder();
        LetOne(held);
        ExpectMsg<CommandRefused>();
        LetOne(held);
        ExpectMsg<CommandRefused>();
        Assert.Equal(["iqn.before"], Access.Initiators);
        Unhinder();
        held.Dispose();
        Ask<TargetAdded>(new AddTarget(new TargetName("iqn.2018-05.test:two")));
        Assert.Equal(["iqn.before"], Stored.Access!.Initiators);
    }

    [Fact]
    public void A_change_of_access_that_waits_is_refused_when_its_target_goes_meanwhile()
    {
        using var held = new HeldWrites(_threads);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        var deleter = CreateTestProbe("deleter");
        _manager.Tell(new DeleteTarget(Name, ConnectedInitiators.Refuse), deleter.Ref);
        Eventually.Now(() => !_board.Targets.Any());
        LetOne(held);
        held.Dispose();
        Assert.Equal(RefusalReason.TargetDoesNotExist, ExpectMsg<CommandRefused>().Reason);
        Assert.Equal(RefusalReason.TargetDoesNotExist, ExpectMsg<CommandRefused>().Reason);
        deleter.ExpectMsg<TargetDeleted>();
    }

    [Fact]
    public void A_change_of_access_that_waits_is_refused_when_the_daemon_closes_and_the_one_in_hand_is_answered()
    {
        using var held = new HeldWrites(_threads);
        Say(Admitting("iqn.client1"));
        Say(Admitting("iqn.client2"));
        var closer = CreateTestProbe("closer");
        _manager.Tell(new CloseTargets(), closer.Ref);
        Assert.Equal(RefusalReason.ShuttingDown, ExpectMsg<CommandRefused>().Reason);
        LetOne(held);
        ExpectMsg<AccessChanged>();
        closer.ExpectMsg<TargetsClosed>();
    }

    [Fact]
    public void What_is_not_saved_of_a_target_that_was_built_again_goes_back_to_the_rules_of_now()
    {
        var before = Ask<TargetFound>(new FindTarget(Name)).Target;
        using var held = new HeldWrites(_threads);
        Say(Admitting("iqn.client1"));
        Watch(before);
        Sys.Stop(before);
        ExpectTerminated(before);
        Eventually.Now(() => !Ask<TargetFound>(new FindTarget(Name)).Target.Equals(before));
        Assert.Equal(["iqn.client1"], Access.Initiators);
        Hinder();
        LetOne(held);
        ExpectMsg<CommandRefused>();
        Assert.Empty(Access.Initiators);
    }

    private AccessRules Access => Assert.Single(_board.Targets).Access;

    private static ChangeAccess Admitting(string initiator) => new(Name, new AccessChange(null, null, [initiator], null));
}
