namespace Qcow2Target.Qcow2.Pending;

/// <summary>What was done at open about writes that an earlier process had completed and not committed.</summary>
public enum PendingFinding
{
    /// <summary>There was nothing to be done.</summary>
    None,

    /// <summary>They were brought into the image.</summary>
    Replayed,

    /// <summary>The image is read with them, and no byte of it was changed.</summary>
    LaidOver,

    /// <summary>The host went down meanwhile: what was not flushed is lost.</summary>
    HostWentDown,

    /// <summary>Somebody else opened the image for writing since: they no longer fit, their log was set aside.</summary>
    SetAside,

    /// <summary>Their log is not here, and the image is read without them.</summary>
    NotHere,

    /// <summary>They were given up because it was asked for.</summary>
    Discarded,

    /// <summary>They and the image contradict each other, and the image is read without them.</summary>
    Contradicted,
}

/// <param name="Explanation">For the log; empty where there is nothing to tell.</param>
public readonly record struct PendingReport(PendingFinding Finding, string Explanation)
{
    public static PendingReport Nothing => new(PendingFinding.None, "");
}

/// <summary>What to do with an image that carries the mark of pending writes whose log is not here, or does not fit it.</summary>
public enum PendingRule
{
    /// <summary>It is not opened for writing.</summary>
    Keep,

    /// <summary>They are given up, the image is opened as it is.</summary>
    Discard,
}
