namespace Qcow2Target.ActorRuntime;

public interface IDecider
{
    Directive Decide(Exception cause);
}
