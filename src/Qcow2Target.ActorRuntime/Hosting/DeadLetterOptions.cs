namespace Qcow2Target.ActorRuntime;

public class DeadLetterOptions
{
    public TriStateValue ShouldLog { get; set; }

    public int? LogCount { get; set; }
}
