using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Scsi;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>Which LUNs take no write after the tasks of a session were given up, and who is told. LUN 0 gives back no read, LUN 1 no write.</summary>
public sealed class FenceTests : TestKit
{
    private const int DiskBytes = 1 << 20;
    private const int Read = 0x28_00, Write = 0x2A_00, DurableWrite = 0x2A_08, SynchronizeCache = 0x35_00;   // the first two bytes of their CDBs
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly TargetName Name = new("iqn.2018-05.test:fences");

    private readonly TempDirectory _directory = TempDirectory.OnDisk();
    private readonly ManualResetEventSlim _readsGoOn = new();
    private readonly Qcow2Image[] _images;
    private readonly DiskPort[] _disks;
    private readonly TargetServices _services;
    private readonly IActorRef _target;
    private int _sessions;

    public FenceTests()
    {
        // What is compressed is not read on the spot.
        _directory.File("raw", [.. Enumerable.Repeat((byte)7, DiskBytes)]);
        QemuImg.Convert(_directory["raw"], "raw", _directory["0"], "qcow2", "-c");
        QemuImg.Create(_directory["1"], DiskBytes);
        QemuImg.Io(_directory["1"], $"write -P 1 {DiskBytes / 2} 64k").EnsureSuccess();
        _images = [Open("0"), Open("1")];
        _images[1].Read(DiskBytes / 2, new byte[512]);   // writes there need no table that is not at hand
        _disks = [.. _images.Select(ServedByNobody)];
        _services = new TargetServices(
            new BlockingThreads(), TestActor, new BufferPool(), _ => { }, new TargetBoard(), new PeerLog(Log, TimeProvider.System));
        _target = Sys.ActorOf(Props.Create(() => new Target(this)));
    }

    protected override void AfterAll()
    {
        _readsGoOn.Set();
        base.AfterAll();
        foreach (var image in _images)
            image.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_session_that_ends_fences_the_LUN_that_it_still_writes_to_and_no_other()
    {
        await using var initiator = await Initiator.LogInAsync(this, 1);
        await initiator.StartAsync(0, Read);
        await initiator.StartAsync(1, Write);
        var write = Taken(_disks[1]);

        initiator.Vanish();
        await Eventually.That(() => Volatile.Read(ref _sessions) == 0);

        Assert.Equal((false, true), (IsFenced(_disks[0]), IsFenced(_disks[1])));
        write.Fail(new ImageFault(ImageFaultKind.Closed, "let go by the test"));
        await Eventually.That(() => !IsFenced(_disks[1]));
    }

    [Theory]
    [InlineData(SynchronizeCache)]
    [InlineData(DurableWrite)]
    public async Task A_flush_that_does_not_return_holds_nobody_up(int command)
    {
        await using var victim = await Initiator.LogInAsync(this, 1);
        await using var other = await Initiator.LogInAsync(this, 2);
        await victim.StartAsync(1, command, DiskBytes / 2);
        Assert.IsType<PortFlush>(Taken(_disks[1]));

        Assert.Equal(TaskManagementResponse.Complete, await other.ManageAsync(1, TaskManagementFunction.LogicalUnitReset));

        Assert.False(IsFenced(_disks[1]));
    }

    [Theory]
    [InlineData(TaskManagementFunction.LogicalUnitReset, 0x06_29_03)]
    [InlineData(TaskManagementFunction.TargetWarmReset, 0x06_29_02)]
    public async Task A_reset_that_a_write_holds_up_fences_its_LUN_and_tells_whose_tasks_are_gone(TaskManagementFunction function, int attention)
    {
        await using var victim = await Initiator.LogInAsync(this, 1);
        await using var other = await Initiator.LogInAsync(this, 2);
        await victim.StartAsync(0, Read);
        await victim.StartAsync(1, Write);
        Taken(_disks[1]);

        Assert.Equal(TaskManagementResponse.Rejected, await other.ManageAsync(1, function));

        Assert.Equal((false, true), (IsFenced(_disks[0]), IsFenced(_disks[1])));
        Assert.Equal(attention, await victim.TestUnitReadyAsync(1));
        Assert.Equal(0, await other.TestUnitReadyAsync(1));
    }

    private Qcow2Image Open(string name)
    {
        var files = new RootedImageFiles([_directory.Path], []);
        var cache = new CacheBudget(1 << 20);
        return Qcow2Image.Open(new ImageOpenOptions
        {
            Path = _directory[name],
            Access = ImageAccess.ReadWrite,
            Files = files,
            Backings = new BackingImages(files, cache),
            Cache = cache,
        });
    }

    /// <summary>A disk without an actor, so that what has to wait for the image's writer stays where it is, and whose reads of the file wait for the test.</summary>
    private DiskPort ServedByNobody(Qcow2Image image)
    {
        var queue = new ImageQueue(new DeviceThreads("held"));
        for (var i = 0; i < ImageQueue.MaxAtOnce; i++)
            queue.Enqueue(new HeldWork(_readsGoOn));
        var port = new DiskPort(image.Info.Path, 512, ZeroDetection.Off);
        port.Begin(new ImageLease(image, queue));
        return port;
    }

    /// <summary>Waits for a write and takes it, as the disk's actor would.</summary>
    private static IPortRequest Taken(DiskPort disk)
    {
        ImageRequest? request = null;
        Eventually.Now(() => disk.TryTakeRequest(out request));
        return (IPortRequest)request!;
    }

    private static bool IsFenced(DiskPort disk)
    {
        try
        {
            _ = disk.WriteAsync(DiskBytes / 2, new byte[512]).AsTask();
            return false;
        }
        catch (BlockDeviceException refused)
        {
            Assert.Equal(BlockDeviceFault.Fenced, refused.Fault);
            return true;
        }
    }

    private sealed class HeldWork(ManualResetEventSlim goOn) : BlockingWork
    {
        public override void Run() => goOn.Wait();
    }

    /// <summary>The sessions' half of a target, and its LUNs.</summary>
    private sealed class Target : ReceiveActor
    {
        public Target(FenceTests test)
        {
            var luns = new LunTable(Name, Guid.NewGuid(), Self, Self, new UnfinishedSanitizes());
            for (var lun = 0; lun < test._disks.Length; lun++)
            {
                var entry = luns.Add(lun, test._images[lun].Info.Path, null, ImageAccess.ReadWrite, DiskFlavour.Usual, test.TestActor, test._disks[lun]);
                luns.MakeUnit(entry, new DiskOpened(entry.Path, [], DiskBytes, new StoredFile(1, (ulong)lun)));
                entry.Readiness = DiskReadiness.Ready;
            }
            luns.PublishMap();
            TargetSessions? sessions = null;
            sessions = new TargetSessions(
                Context, Name, luns, new TargetSettings { AbortPatience = TimeSpan.FromMilliseconds(200) }, test._services,
                new Published<AccessRules>(AccessRules.Everybody), () => Volatile.Write(ref test._sessions, sessions!.Nexuses.Count));
            Receive<AdmitLogin>(sessions.Admit);
            Receive<BeginSession>(sessions.Begin);
            Receive<NexusEnded>(sessions.End);
            Receive<NexusAnswers>(sessions.Note);
            Receive<ResetLuns>(sessions.Reset);
            Receive<ITargetSessionEvent>(sessions.Take);
        }
    }

    /// <summary>An initiator behind its login, which has taken its first unit attentions.</summary>
    private sealed class Initiator(ScriptedInitiatorConnection connection) : IAsyncDisposable
    {
        private uint _commands;

        public static async Task<Initiator> LogInAsync(FenceTests test, ulong isid)
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            var initiator = new Initiator(await ScriptedInitiatorConnection.ConnectAsync(listener.LocalEndPoint!));
            var socket = await listener.AcceptAsync();

            var login = test.CreateTestProbe();
            var identity = new LoginIdentity($"iqn.2018-05.test:i{isid}", isid, 0, 1, (IPEndPoint)socket.RemoteEndPoint!);
            test._target.Tell(new AdmitLogin(identity), login.Ref);
            var admitted = login.ExpectMsg<LoginAdmitted>(Limit);
            var parameters = new SessionParameters
            {
                SessionType = SessionType.Normal,
                InitiatorName = identity.Initiator,
                TargetName = Name.Shown,
                Isid = isid,
                Tsih = admitted.Tsih,
                ConnectionId = 1,
                PortalGroupTag = admitted.PortalGroupTag,
            };
            test._target.Tell(new BeginSession(identity, admitted.Tsih, new EstablishedConnection(socket, parameters, default, "", new NoDirectory())), login.Ref);
            login.ExpectMsg<SessionBegun>(Limit);
            for (var lun = 0; lun < test._disks.Length; lun++)
                Assert.Equal(0x06_29_00, await initiator.TestUnitReadyAsync(lun));
            return initiator;
        }

        /// <summary>Starts a command for one block.</summary>
        public Task StartAsync(int lun, int command, int offset = 0) => SendAsync(
            lun, ((UInt128)command << 112) | ((UInt128)(offset / 512) << 80) | ((UInt128)1 << 56), command is Write or DurableWrite ? new byte[512] : [], command == Read);

        /// <summary>The sense, or 0 for GOOD.</summary>
        public async Task<int> TestUnitReadyAsync(int lun)
        {
            await SendAsync(lun, 0, [], isRead: false);
            var answer = await connection.ReceiveAsync();
            return answer.As<ScsiResponsePdu>().ScsiStatus == 0 ? 0 : (answer.Data[4] & 0x0F) << 16 | answer.Data[14] << 8 | answer.Data[15];
        }

        public async Task<TaskManagementResponse> ManageAsync(int lun, TaskManagementFunction function)
        {
            await connection.SendAsync(new TaskManagementRequestPdu
            {
                IsImmediate = true,
                Function = function,
                Lun = LunField.Encode(lun),
                InitiatorTaskTag = 0x100,
                ReferencedTaskTag = BasicHeader.NoTag,
                CmdSn = _commands,
            });
            return (await connection.ReceiveAsync()).As<TaskManagementResponsePdu>().Response;
        }

        public void Vanish() => connection.Reset();

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private Task SendAsync(int lun, UInt128 cdb, byte[] data, bool isRead)
        {
            var number = _commands++;
            return connection.SendAsync(
                new ScsiCommandPdu
                {
                    IsFinal = true,
                    IsRead = isRead,
                    IsWrite = data.Length > 0,
                    Lun = LunField.Encode(lun),
                    InitiatorTaskTag = number,
                    ExpectedDataTransferLength = isRead ? 512 : (uint)data.Length,
                    CmdSn = number,
                    Cdb = cdb,
                },
                data);
        }
    }

    private sealed class NoDirectory : ITargetDirectory
    {
        public IReadOnlyList<TargetRecord> All(string initiatorName) => [];

        public TargetRecord? Find(string initiatorName, string targetName) => null;
    }
}
