namespace Qcow2Target.Control.Framing;

/// <summary>What <see cref="JsonLineReader.Read"/> found.</summary>
public enum LineOutcome
{
    /// <summary>A line.</summary>
    Line,

    /// <summary>No whole line yet.</summary>
    NeedMore,

    /// <summary>A line over the limit. Given once: answer with an error and close, <see cref="End"/> follows.</summary>
    TooLong,

    /// <summary>The input ended within a line. Given once: answer with an error, <see cref="End"/> follows.</summary>
    Incomplete,

    /// <summary>There are no more lines.</summary>
    End,
}
