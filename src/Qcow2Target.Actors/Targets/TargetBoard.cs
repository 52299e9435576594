namespace Qcow2Target.Actors.Targets;

/// <summary>What all targets look like now: published by the manager and by each target, read by discovery without a message.</summary>
public sealed class TargetBoard
{
    private readonly Published<IReadOnlyList<Published<TargetView>>> _views = new([]);

    public IEnumerable<TargetView> Targets => _views.Value.Select(v => v.Value);

    internal void Publish(IReadOnlyList<Published<TargetView>> views) => _views.Publish(views);
}
