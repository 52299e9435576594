namespace Qcow2Target.ActorRuntime;

/// <summary>Logs the first dead letters at Info, as many as <c>akka.log-dead-letters</c> says.</summary>
internal sealed class DeadLetterListener : ActorBase
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly int _limit;
    private int _count;

    public DeadLetterListener(int limit) => _limit = limit;

    protected override bool Receive(object message)
    {
        if (message is not (AllDeadLetters and not SuppressedDeadLetter)) return false;
        if (message is UnhandledMessage || _count == _limit) return true;
        var letter = (AllDeadLetters)message;
        string last = ++_count == _limit ? " No more will be logged." : "";
        _log.Info($"Message [{letter.Message.GetType().Name}] from {letter.Sender} to {letter.Recipient} was not delivered. [{_count}] dead letters so far.{last}");
        return true;
    }
}
