namespace Qcow2Target.ActorRuntime;

/// <summary>Success or failure as a message.</summary>
public abstract class Status
{
    public sealed class Success(object status) : Status
    {
        public static readonly Success Instance = new(null);
        public readonly object Status = status;

        public override string ToString() => $"Status.Success: {Status ?? "null"}";
    }

    public sealed class Failure(Exception cause, object state) : Status
    {
        public readonly Exception Cause = cause;
        public readonly object State = state;

        public Failure(Exception cause)
            : this(cause, null)
        {
        }

        public override string ToString() => $"Status.Failure: {Cause}";
    }
}
