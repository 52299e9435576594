using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Server.ControlSocket;
using Qcow2Target.Server.Options;

namespace Qcow2Target.Server.Hosting;

/// <summary>The daemon cannot start: the message says why and what to do.</summary>
internal sealed class StartFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Starts the actors in the order in which the world may see them, and puts their ends into the phases of the shutdown.</summary>
internal sealed class DaemonActors(ServerOptions options, DaemonExit exit) : IDisposable
{
    private readonly BlockingThreads _threads = new();
    private readonly CacheBudget _cache = new(options.CacheBytes);
    private CacheMetrics? _metrics;

    /// <summary>Where the daemon listens, with the ports it was given; empty before the start.</summary>
    public IReadOnlyList<System.Net.IPEndPoint> Portals { get; private set; } = [];

    /// <summary>What is saved comes back first, then initiators may come, then clients.</summary>
    /// <exception cref="StartFailedException">Something that the daemon cannot be without is not to be had.</exception>
    public async Task StartAsync(ActorSystem system, IActorRegistry registry)
    {
        var listener = ListenForControl();
        _metrics = new CacheMetrics(_cache);
        var images = system.ActorOf(
            ImageRegistryActor.PropsFor(
                new RootedImageFiles(options.DisksRoots, options.BackingRoots), options.DisksRoots[0], _cache, options.DataFiles,
                OpenPendingLogs(system.Log), _threads),
            "images");
        var settings = new TargetSettings
        {
            CommandDeadline = options.CommandDeadline,
            RestorePatience = options.RestorePatience,
            PingInterval = options.NopInterval,
            PortalGroupTag = ServerOptions.PortalGroupTag,
            Spin = options.Spin,
            PhysicalBlockBytes = options.PhysicalBlockBytes,
        };
        var board = new TargetBoard();
        var peers = new PeerLog(system.Log, TimeProvider.System);
        var services = new TargetServices(_threads, images, new BufferPool(options.TransferBytes), exit.Fail, board, peers);
        var manager = system.ActorOf(TargetManagerActor.PropsFor(settings, services, new StateFile(options.StateDir), board), "targets");
        registry.Register<TargetManagerActor>(manager);

        var ready = await manager.Ask<TargetsReady>(new AwaitReady(), options.RestorePatience + TimeSpan.FromSeconds(30)).ConfigureAwait(false);
        if (ready.NotReady > 0)
            system.Log.Warning("{NotReady} of {Disks} disks are not ready and go on being tried", ready.NotReady, ready.Disks);

        var portalSettings = new PortalSettings(
            options.Portals, ServerOptions.PortalGroupTag, options.LoginTimeout, options.TcpUserTimeout, manager, board, peers,
            options.ChapFloor);
        var portals = system.ActorOf(PortalsActor.PropsFor(portalSettings), "portals");
        var opened = await portals.Ask<object>(new OpenPortals(), TimeSpan.FromSeconds(30)).ConfigureAwait(false);
        if (opened is PortalsNotOpened refused)
            throw new StartFailedException(refused.Reason);
        Portals = ((PortalsOpened)opened).EndPoints;

        var control = system.ActorOf(ControlSocketActor.PropsFor(listener, options.ControlSocket, manager, options.CommandDeadline), "control");
        AddShutdown(system, portals, control, manager);
        system.Log.Info("ready: control socket {ControlSocket}, disks below {DisksRoot}", options.ControlSocket, options.DisksRoots[0]);
    }

    private PendingLogs OpenPendingLogs(ILoggingAdapter log)
    {
        var path = Path.Combine(options.StateDir, "pending");
        try
        {
            var logs = new PendingLogs(path);
            var removed = logs.RemoveOtherBoots();
            if (removed > 0)
                log.Info("{Removed} pending logs of another boot were removed: what had been flushed is in the images", removed);
            return logs;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailedException($"cannot keep pending writes in {path}: {e.Message}", e);
        }
    }

    public void Dispose() => _metrics?.Dispose();

    private System.Net.Sockets.Socket ListenForControl()
    {
        try
        {
            return ControlSocketFile.Listen(options.ControlSocket);
        }
        catch (ControlSocketException e)
        {
            throw new StartFailedException(e.Message, e);
        }
    }

    /// <summary>Stop accepting; then end the sessions, bring every image to the disk and close it.</summary>
    private void AddShutdown(ActorSystem system, IActorRef portals, IActorRef control, IActorRef manager)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "portals", async () =>
        {
            system.Log.Info("shutting down");
            await portals.Ask<PortalsClosed>(new ClosePortals(), shutdown.Timeout(CoordinatedShutdown.PhaseServiceUnbind)).ConfigureAwait(false);
            return Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "control", async () =>
        {
            await control.Ask<ControlSocketClosed>(new CloseControlSocket(), shutdown.Timeout(CoordinatedShutdown.PhaseServiceUnbind)).ConfigureAwait(false);
            return Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "targets", async () =>
        {
            try
            {
                await manager.Ask<TargetsClosed>(new CloseTargets(), shutdown.Timeout(CoordinatedShutdown.PhaseServiceStop)).ConfigureAwait(false);
                system.Log.Info("every image is closed");
            }
            catch (AskTimeoutException)
            {
                exit.Fail("images could not be closed within the shutdown timeout");
            }
            return Done.Instance;
        });
    }
}
