using System.Net;
using System.Net.Sockets;

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
            Context.ActorOf(PortalActor.PropsFor(listener, settings, _poller), $"p-{number + 1}");
            _log.Info("listening on {Portal}", opened[number].ToString());
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
