using System.Net;
using System.Net.Sockets;

namespace Qcow2Target.Actors.Portals;

/// <summary>The portal group: one child for each portal, and another in the place of one that failed. Keeps the time for the log of peers.</summary>
public sealed class PortalsActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReopenPause = TimeSpan.FromSeconds(1);

    private readonly PortalSettings _settings;
    private readonly SocketPoller _poller;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    internal PortalsActor(PortalSettings settings, SocketPoller poller)
    {
        _settings = settings;
        _poller = poller;
        Receive<OpenPortals>(_ => Open());
        Receive<ClosePortals>(_ => Sender.Tell(new PortalsClosed()));
        TellOfPeers();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(PortalSettings settings) => Props.Create(() => new PortalsActor(settings, new SocketPoller()));

    /// <summary>A portal's listener ends with it: it cannot be restarted, only opened anew.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart() => Timers.StartPeriodicTimer(LogTick.Instance, LogTick.Instance, LogInterval);

    protected override void PostStop()
    {
        _poller.Dispose();
        _settings.Peers.TellAll();
    }

    private void TellOfPeers() => Receive<LogTick>(_ => _settings.Peers.Tell());

    private void Open()
    {
        var client = Sender;
        var listeners = new List<Socket>();
        foreach (var portal in _settings.Portals)
        {
            try
            {
                listeners.Add(PortalActor.Listen(portal.EndPoint));
            }
            catch (SocketException e) when (portal.Origin == PortalOrigin.Default && PortalActor.IsMissingFamily(e))
            {
                _log.Warning("not listening on {Portal}: {Reason}", portal.EndPoint.ToString(), e.Message);
            }
            catch (SocketException e)
            {
                foreach (var listener in listeners)
                    listener.Dispose();
                client.Tell(new PortalsNotOpened($"cannot listen on {portal.EndPoint}: {e.Message}"));
                return;
            }
        }
        if (listeners.Count == 0)
        {
            client.Tell(new PortalsNotOpened("no portal could be opened"));
            return;
        }

        // Initiators are told of all portals by each: of those that opened, with the ports that they were given.
        IPEndPoint[] opened = [.. listeners.Select(listener => (IPEndPoint)listener.LocalEndPoint!)];
        var settings = _settings with { Portals = [.. opened.Select(endPoint => new PortalOptions(endPoint, PortalOrigin.Configured))] };
        foreach (var (number, listener) in listeners.Index())
        {
            Start(listener, settings, $"p-{number + 1}", generation: 0);
            _log.Info("listening on {Portal}", opened[number].ToString());
        }
        client.Tell(new PortalsOpened(opened));
        Become(Listening);
    }

    private void Start(Socket listener, PortalSettings settings, string name, int generation)
    {
        var endPoint = (IPEndPoint)listener.LocalEndPoint!;
        var portal = Context.ActorOf(PortalActor.PropsFor(listener, settings, _poller), generation == 0 ? name : $"{name}-{generation}");
        Context.WatchWith(portal, new PortalDied(endPoint, settings, name, generation));
    }

    private void Reopen(PortalDied died)
    {
        try
        {
            Start(PortalActor.Listen(died.EndPoint), died.Settings, died.Name, died.Generation + 1);
            _log.Warning("the portal on {Portal} failed and listens again", died.EndPoint.ToString());
        }
        catch (SocketException e)
        {
            _log.Error("the portal on {Portal} failed and cannot listen again: {Reason}", died.EndPoint.ToString(), e.Message);
            Timers.StartSingleTimer(died.Name, died, ReopenPause);
        }
    }

    private void Listening()
    {
        Receive<PortalDied>(Reopen);
        Receive<ClosePortals>(_ =>
        {
            var client = Sender;
            var open = Context.GetChildren().ToHashSet();
            foreach (var child in open)
            {
                Context.Unwatch(child);
                Context.Watch(child);
                Context.Stop(child);
            }
            if (open.Count == 0)
                client.Tell(new PortalsClosed());
            else
                Become(() => Closing(client, open));
        });
        TellOfPeers();
    }

    private void Closing(IActorRef client, HashSet<IActorRef> open)
    {
        Receive<PortalDied>(_ => { });
        Receive<Terminated>(message =>
        {
            open.Remove(message.ActorRef);
            if (open.Count == 0)
                client.Tell(new PortalsClosed());
        });
        Receive<ClosePortals>(_ => Sender.Tell(new PortalsClosed()));
        TellOfPeers();
    }

    private sealed record PortalDied(IPEndPoint EndPoint, PortalSettings Settings, string Name, int Generation);

    private sealed record LogTick
    {
        public static readonly LogTick Instance = new();
    }
}
