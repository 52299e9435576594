namespace Qcow2Target.Control.Replies;

/// <summary>One logical unit as LIST shows it.</summary>
/// <param name="LunId">Its id.</param>
/// <param name="FilePath">Absolute path of its image.</param>
/// <param name="State">Its state; written where it is not <see cref="LunState.Ready"/>, and always with details.</param>
/// <param name="Details">What is told with details only; null where nothing more is known.</param>
public sealed record LunListing(int LunId, string FilePath, LunState State = LunState.Ready, LunDetails? Details = null);
