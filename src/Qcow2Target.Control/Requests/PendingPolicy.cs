namespace Qcow2Target.Control.Requests;

/// <summary>What ATTACH does with an image that lacks writes which a killed daemon had completed, when their log is not here or does not fit.</summary>
public enum PendingPolicy
{
    /// <summary>It fails, and says what is needed.</summary>
    Keep,

    /// <summary><c>"discard_pending": true</c>: the writes are given up, the image is attached as it is.</summary>
    Discard,
}
