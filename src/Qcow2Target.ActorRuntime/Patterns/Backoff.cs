namespace Qcow2Target.ActorRuntime;

/// <summary>Options of a <see cref="BackoffSupervisor"/>. The pause doubles from <c>minBackoff</c> to <c>maxBackoff</c>, stretched by up to <c>randomFactor</c>.</summary>
public static class Backoff
{
    /// <summary>Starts the child anew when it stops, of itself or by its strategy.</summary>
    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        new BackoffSettings(BackoffTrigger.Stop, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);

    /// <summary>Starts the child anew when it fails.</summary>
    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        new BackoffSettings(BackoffTrigger.Failure, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);
}
