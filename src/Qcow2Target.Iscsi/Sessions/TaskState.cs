namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Where a task stands. Changed under the session's gate only.</summary>
internal enum TaskState
{
    /// <summary>In the pool.</summary>
    Free,

    /// <summary>In the table: an answer is owed.</summary>
    Active,

    /// <summary>Its status is laid out: out of the table, but perhaps still in somebody's hands.</summary>
    Answered,

    /// <summary>Never answers: out of the table, perhaps with operations under way.</summary>
    Aborted,
}

/// <summary>What Begin has made of a command.</summary>
internal enum TaskPlan
{
    /// <summary>Not decided yet.</summary>
    Undecided,

    /// <summary>Answered in Begin, or held until the announced data is swallowed.</summary>
    Decided,

    Read,
    Write,
    Parameters,
}

/// <summary>What is to be done with a task after an operation of it has returned. Done outside the gate.</summary>
internal enum Followup
{
    None,

    /// <summary>All data is in and every piece is back: finish it or answer what is held. The task holds one operation for it.</summary>
    Proceed,

    /// <summary>Nobody has it in hand any more.</summary>
    End,
}
