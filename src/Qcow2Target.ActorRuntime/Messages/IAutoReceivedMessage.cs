namespace Qcow2Target.ActorRuntime;

/// <summary>Messages the runtime handles itself, at their turn in the mailbox; the actor never sees them.</summary>
internal interface IAutoReceivedMessage
{
}
