using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Iscsi.Buffers;

namespace Qcow2Target.Actors.Targets;

/// <summary>What a target and its sessions may be told by the configuration.</summary>
public sealed record TargetSettings
{
    /// <summary>How long a command waits without progress before it answers with an error.</summary>
    public TimeSpan CommandDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the portals stay shut at start for disks that do not open.</summary>
    public TimeSpan RestorePatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A state file that could not be written is tried again after so long.</summary>
    public TimeSpan SaveRetry { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>An idle connection is pinged this often.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long task management and the end of a session wait for a write that the kernel already has.</summary>
    public TimeSpan AbortPatience { get; init; } = ActorLimits.AbortPatience;

    /// <summary>The tag of the one portal group.</summary>
    public ushort PortalGroupTag { get; init; } = 1;

    /// <summary>Whether a connection's thread looks for the next command for some microseconds before it sleeps.</summary>
    public IdleSpin Spin { get; init; } = IdleSpin.On;

    /// <summary>Physical block size that disks report, in bytes: 512 or 4096.</summary>
    public int PhysicalBlockBytes { get; init; } = 4096;
}

/// <summary>Whether a thread that has nothing to do looks again before it sleeps.</summary>
public enum IdleSpin
{
    Off,
    On,
}

/// <param name="Threads">Threads for blocking calls.</param>
/// <param name="Images">The image registry.</param>
/// <param name="Buffers">Buffers of the process's sessions.</param>
/// <param name="Fatal">Ends the process with a reason: only for a bug in the manager itself.</param>
/// <param name="Board">What all targets look like: how many sessions the daemon has.</param>
/// <param name="Peers">The log of sessions that begin and end.</param>
public sealed record TargetServices(BlockingThreads Threads, IActorRef Images, BufferPool Buffers, Action<string> Fatal, TargetBoard Board, PeerLog Peers);
