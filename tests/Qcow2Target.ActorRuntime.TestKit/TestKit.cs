namespace Qcow2Target.ActorRuntime.TestKit;

/// <summary>Base of the tests of actors.</summary>
public abstract class TestKit
{
}
