namespace Qcow2Target.ActorRuntime;

internal static class UntypedReceiveExtensions
{
    /// <summary>A behaviour that reports itself what it does not handle, so it always counts as handled.</summary>
    public static Receive AsReceive(this UntypedReceive receive)
    {
        ArgumentNullException.ThrowIfNull(receive);
        return message =>
        {
            receive(message);
            return true;
        };
    }
}
