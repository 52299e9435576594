namespace Qcow2Target.Actors.Portals;

/// <summary>The portal group: one child for each portal. Keeps the time for the log of peers.</summary>
public sealed class PortalsActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(1);

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
        var opened = new List<System.Net.IPEndPoint>();
        foreach (var portal in _settings.Portals)
        {
            try
            {
                var listener = PortalActor.Listen(portal.EndPoint);
                var local = (System.Net.IPEndPoint)listener.LocalEndPoint!;
                opened.Add(local);
                Context.ActorOf(PortalActor.PropsFor(listener, _settings, _poller), $"p-{opened.Count}");
                _log.Info("listening on {Portal}", local.ToString());
            }
            catch (System.Net.Sockets.SocketException e) when (portal.Origin == PortalOrigin.Default && PortalActor.IsMissingFamily(e))
            {
                _log.Warning("not listening on {Portal}: {Reason}", portal.EndPoint.ToString(), e.Message);
            }
            catch (System.Net.Sockets.SocketException e)
            {
                client.Tell(new PortalsNotOpened($"cannot listen on {portal.EndPoint}: {e.Message}"));
                return;
            }
        }
        if (opened.Count == 0)
        {
            client.Tell(new PortalsNotOpened("no portal could be opened"));
            return;
        }
        client.Tell(new PortalsOpened(opened));
        Become(Listening);
    }

    private void Listening()
    {
        Receive<ClosePortals>(_ =>
        {
            var client = Sender;
            var open = Context.GetChildren().ToHashSet();
            foreach (var child in open)
            {
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
        Receive<Terminated>(message =>
        {
            open.Remove(message.ActorRef);
            if (open.Count == 0)
                client.Tell(new PortalsClosed());
        });
        Receive<ClosePortals>(_ => Sender.Tell(new PortalsClosed()));
        TellOfPeers();
    }

    private sealed record LogTick
    {
        public static readonly LogTick Instance = new();
    }
}
