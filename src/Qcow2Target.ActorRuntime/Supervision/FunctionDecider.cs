namespace Qcow2Target.ActorRuntime;

internal sealed class FunctionDecider : IDecider
{
    private readonly Func<Exception, Directive> _decide;

    public FunctionDecider(Func<Exception, Directive> decide)
    {
        ArgumentNullException.ThrowIfNull(decide);
        _decide = decide;
    }

    public Directive Decide(Exception cause) => _decide(cause);
}
