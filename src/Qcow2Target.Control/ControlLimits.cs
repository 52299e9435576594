namespace Qcow2Target.Control;

/// <summary>Every limit of the control socket's contract. <see cref="AssertRelations"/> says how they hang together.</summary>
public static class ControlLimits
{
    /// <summary>Longest request line in bytes, without its line end.</summary>
    public const int MaxLineBytes = 1024 * 1024;

    /// <summary>Longest reply line in bytes that ControlClient takes: a LIST with details of all targets.</summary>
    public const int MaxReplyBytes = 256 * 1024 * 1024;

    /// <summary>First buffer of a connection in bytes, and what it keeps while no line is under way.</summary>
    public const int InitialBufferBytes = 4 * 1024;

    /// <summary>Deepest nesting of a request. The contract needs two levels; unknown top-level fields may bring more.</summary>
    public const int MaxJsonDepth = 32;

    /// <summary>Deepest nesting of a reply that the client takes.</summary>
    public const int MaxReplyJsonDepth = 32;

    /// <summary>Longest iSCSI name in bytes of UTF-8 (RFC 7143, 4.2.7.1).</summary>
    public const int MaxNameBytes = 223;

    /// <summary>Highest LUN id: what the 14 bits of flat space addressing hold (SAM-5, 4.7.7.1).</summary>
    public const int MaxLunId = 16383;

    /// <summary>Longest unit serial number in characters: what common initiators show without cutting it.</summary>
    public const int MaxSerialLength = 36;

    /// <summary>Longest error text in characters; what is longer is cut.</summary>
    public const int MaxErrorTextLength = 4096;

    /// <summary>Throws if two limits contradict each other. Called once at start.</summary>
    public static void AssertRelations()
    {
        Require(InitialBufferBytes <= MaxLineBytes, "a line's first buffer is within the line limit");
        Require(MaxLineBytes < MaxReplyBytes, "a reply may be longer than a request");
        Require(MaxErrorTextLength < MaxLineBytes, "an error text fits into a line");
        Require(MaxNameBytes * 2 < MaxErrorTextLength, "an error text has room for a name");
        Require(MaxJsonDepth >= 2, "a request nests its command");
    }

    private static void Require(bool holds, string relation)
    {
        if (!holds)
            throw new InvalidOperationException($"Limits of the control socket contradict each other: {relation}.");
    }
}
