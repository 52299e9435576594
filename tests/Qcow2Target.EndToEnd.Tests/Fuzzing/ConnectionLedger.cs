namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>What both ends of one connection know of each other: what was agreed, what was sent, and what is still due.</summary>
internal sealed class ConnectionLedger(ConversationState conversation, int number)
{
    /// <summary>The window of a session at rest, as the target opens it at login.</summary>
    public const int WholeWindow = 128;

    private readonly Dictionary<uint, List<SentTask>> _tasks = [];
    private readonly HashSet<ulong> _headers = [];
    private long _order;

    public ConversationState Conversation => conversation;
    public int Number => number;

    // Agreed at login.
    public bool HeaderDigest { get; set; }
    public bool DataDigest { get; set; }
    public int OurSegment { get; set; } = 8192;
    public int TargetSegment { get; set; } = 8192;

    /// <summary>A bent Text Request may have declared another <see cref="OurSegment"/>.</summary>
    public bool IsSegmentUnsure { get; set; }
    public int MaxBurst { get; set; } = 262144;
    public int FirstBurst { get; set; } = 65536;
    public int MaxR2T { get; set; } = 1;
    public bool InitialR2T { get; set; } = true;
    public bool ImmediateData { get; set; } = true;
    public string TargetName { get; set; } = "";
    public string Port { get; set; } = "";
    public bool IsDiscovery { get; set; }
    public ushort ConnectionId { get; set; }

    /// <summary>The final Login Response has come.</summary>
    public bool IsFullFeature { get; set; }

    /// <summary>LUN 0 of this connection's target is the disk that may be written.</summary>
    public bool MayWrite { get; set; }

    /// <summary>The CmdSN that the target waits for, by what was sent.</summary>
    public uint ExpCmdSn { get; set; }

    /// <summary>The highest CmdSN that the target is known to take.</summary>
    public uint MaxCmdSn { get; set; }

    /// <summary>ExpCmdSN as the target has last told it.</summary>
    public uint ToldExpCmdSn { get; set; }

    public uint NextStatSn { get; set; }

    /// <summary>What the target has taken is not known any more, until it tells.</summary>
    public bool IsUncertain { get; set; }

    /// <summary>Why the target may close this connection; null as long as it may not.</summary>
    public string? MayEnd { get; set; }

    /// <summary>Transfer tag of a text negotiation that goes on.</summary>
    public uint TextTag { get; set; } = 0xFFFFFFFF;

    /// <summary>R2Ts that are to be answered.</summary>
    public Queue<(SentTask Task, uint TransferTag, uint Offset, uint Length)> ToAnswer { get; } = new();

    /// <summary>Pings of the target that are to be answered.</summary>
    public Queue<(ulong Lun, uint TransferTag)> PingsToAnswer { get; } = new();

    public IEnumerable<SentTask> Open => _tasks.Values.SelectMany(tasks => tasks).Where(task => !task.IsDone && !task.IsAborted && task.Acceptance != Acceptance.Ignored);

    public void Add(SentTask task)
    {
        task.Order = ++_order;
        if (!_tasks.TryGetValue(task.Tag, out List<SentTask>? tasks)) _tasks.Add(task.Tag, tasks = []);
        tasks.RemoveAll(old => old.IsDone || (old.Acceptance == Acceptance.Ignored && tasks.Count > 8));
        foreach (SentTask other in tasks.Where(other => !other.IsDone && other.Acceptance != Acceptance.Ignored)) other.IsAmbiguous = task.IsAmbiguous = true;
        tasks.Add(task);
    }

    public void RememberHeader(ReadOnlySpan<byte> header) => _headers.Add(HashOf(header));

    public bool HasSent(ReadOnlySpan<byte> header) => _headers.Contains(HashOf(header));

    /// <summary>The tasks with this tag of that opcode which may be answered, oldest first.</summary>
    public List<SentTask> Candidates(uint tag, byte opcode) =>
        _tasks.TryGetValue(tag, out List<SentTask>? tasks) ? [.. tasks.Where(task => task.Opcode == opcode && !task.IsDone && task.Acceptance != Acceptance.Ignored)] : [];

    /// <summary>All that may have been taken and goes on, of any opcode.</summary>
    public IReadOnlyList<SentTask> WithTag(uint tag) => _tasks.TryGetValue(tag, out List<SentTask>? tasks) ? tasks : [];

    public IEnumerable<SentTask> All => _tasks.Values.SelectMany(tasks => tasks);

    private static ulong HashOf(ReadOnlySpan<byte> header)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in header) hash = (hash ^ value) * 1099511628211;
        return hash;
    }
}
