using System.Net.Sockets;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Framing;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Server.ControlSocket;

/// <summary>
/// One control client: a line in, a line out, in order, as many as it likes. When it ends its sending side the replies are finished and
/// the connection is closed.
/// <code>
/// Reading → Awaiting (the actors' answer) → Replying → Reading        Reading → Replying → closed (end of input, endless line)
/// </code>
/// </summary>
internal sealed class ControlConnectionActor : ReceiveActor, IWithTimers
{
    /// <summary>Every command answers by its own deadline; this one only guards against an answer that was lost.</summary>
    private static readonly TimeSpan LostAnswer = TimeSpan.FromMinutes(10);

    /// <summary>How long the rest of an endless line is thrown away before the connection is closed over it.</summary>
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private readonly IActorRef _manager;
    private readonly TimeSpan _deadline;
    private readonly JsonLineReader _lines = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _isEndless;

    public ControlConnectionActor(Socket socket, IActorRef manager, TimeSpan deadline)
    {
        _socket = socket;
        _manager = manager;
        _deadline = deadline;
        Reading();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(Socket socket, IActorRef manager, TimeSpan deadline) =>
        Props.Create(() => new ControlConnectionActor(socket, manager, deadline));

    protected override void PreStart() => Fill();

    protected override void PostStop() => _socket.Dispose();

    private void Reading()
    {
        Receive<Received>(message =>
        {
            if (message.Count == 0)
                _lines.EndOfInput();
            else
                _lines.Advance(message.Count);
            NextLine();
        });
        Common();
    }

    private void Common()
    {
        Receive<ClientGone>(message =>
        {
            _log.Debug("a control client is gone: {Reason}", message.Reason);
            Context.Stop(Self);
        });
        ReceiveAny(_ => { });   // an answer that came after its time
    }

    private void Fill()
    {
        _socket.ReceiveAsync(_lines.GetBuffer()).PipeTo(Self, Self,
            success: count => new Received(count), failure: e => new ClientGone(e.Message));
    }

    private void NextLine()
    {
        switch (_lines.Read(out var line))
        {
            case LineOutcome.Line:
                Answer(RequestCodec.Parse(line));
                break;
            case LineOutcome.NeedMore:
                Become(Reading);
                Fill();
                break;
            case LineOutcome.TooLong:
                _isEndless = true;
                Reply(new FailureReply(ControlErrors.LineTooLong()));
                break;
            case LineOutcome.Incomplete:
                Reply(new FailureReply(ControlErrors.IncompleteLine()));
                break;
            case LineOutcome.End when _isEndless:
                DrainInput();
                break;
            case LineOutcome.End:
                Context.Stop(Self);
                break;
        }
    }

    private void Answer(RequestOutcome outcome)
    {
        if (outcome.Error is { } malformed)
        {
            Reply(new FailureReply(malformed));
            return;
        }
        var request = outcome.Request!;
        if (request.FindFault() is not { } fault)
        {
            _manager.Tell(CommandTranslation.CommandOf(request));
            Await(answer => CommandTranslation.ReplyOf(request, answer, _deadline));
        }
        else if (CommandTranslation.TargetLookUpOf(request) is { } lookUp)
        {
            _manager.Tell(lookUp);   // the target is looked up before anything else is judged
            Await(answer => answer is TargetList ? new FailureReply(fault) : CommandTranslation.ReplyOf(request, answer, _deadline));
        }
        else
        {
            Reply(new FailureReply(fault));
        }
    }

    private void Await(Func<object, ControlReply> reply)
    {
        Timers.StartSingleTimer(AnswerLost.Instance, AnswerLost.Instance, LostAnswer);
        Become(() =>
        {
            Receive<AnswerLost>(_ => Reply(new FailureReply(ControlErrors.Internal("no answer came"))));
            Receive<ClientGone>(_ => Context.Stop(Self));
            ReceiveAny(answer =>
            {
                Timers.Cancel(AnswerLost.Instance);
                Reply(reply(answer));
            });
        });
    }

    private void Reply(ControlReply reply)
    {
        if (reply is FailureReply failure)
            _log.Info("request refused: {Reason} ({Code})", failure.Error.Text, failure.Error.Code);
        SendAllAsync(_socket, ReplyCodec.Encode(reply)).PipeTo(Self, Self, success: () => new Sent(), failure: e => new ClientGone(e.Message));
        Become(() =>
        {
            Receive<Sent>(_ => NextLine());
            Common();
        });
    }

    /// <summary>Closing while bytes lie unread would reset the connection and take the error away from the client: they are thrown away first.</summary>
    private void DrainInput()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            Context.Stop(Self);
            return;
        }
        Timers.StartSingleTimer(DrainOver.Instance, DrainOver.Instance, DrainPatience);
        Become(() =>
        {
            Receive<Received>(message =>
            {
                if (message.Count == 0)
                    Context.Stop(Self);
                else
                    Fill();
            });
            Receive<DrainOver>(_ => Context.Stop(Self));
            Common();
        });
        Fill();
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes).ConfigureAwait(false)..];
    }

    private sealed record Received(int Count);

    private sealed record Sent;

    // Comes after the actor has stopped, when its socket was closed: no news then.
    private sealed record ClientGone(string Reason) : IDeadLetterSuppression;

    private sealed record DrainOver
    {
        public static readonly DrainOver Instance = new();
    }

    private sealed record AnswerLost
    {
        public static readonly AnswerLost Instance = new();
    }
}
