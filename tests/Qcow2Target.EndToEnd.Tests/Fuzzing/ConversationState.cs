namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>What the connections of one conversation have in common: the target and its disks.</summary>
internal sealed class ConversationState(DiskModel scratch)
{
    /// <summary>LUN 0, which may be written.</summary>
    public DiskModel Scratch => scratch;

    /// <summary>Functions and commands sent so far that may abort tasks, of whatever connection.</summary>
    public int Aborts { get; private set; }

    /// <summary>Those of them that are not answered yet: they may abort what is sent now.</summary>
    public int PendingAborts { get; private set; }

    /// <summary>One more is sent; what to do when it is answered.</summary>
    public Action Abort()
    {
        Aborts++;
        PendingAborts++;
        return () => PendingAborts--;
    }

    /// <summary>A TARGET COLD RESET was sent: the target may close every connection.</summary>
    public bool IsColdReset { get; set; }

    /// <summary>Initiator ports that have logged in, each with the count of its logins: a second one reinstates the first.</summary>
    public Dictionary<string, int> Ports { get; } = [];

    /// <summary>The last of what was sent and received, for who looks at a finding.</summary>
    public Transcript Transcript { get; } = new();
}
