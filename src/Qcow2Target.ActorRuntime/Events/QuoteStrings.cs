namespace Qcow2Target.ActorRuntime;

internal enum QuoteStrings
{
    No,
    Yes,
}
