namespace Qcow2Target.Scsi;

/// <summary>Every number that bounds a command, in one place. Blocks are logical blocks.</summary>
public static class ScsiLimits
{
    /// <summary>Longest READ, WRITE and VERIFY (VPD B0). No less than 65536: the conformance suite writes as much in one command.</summary>
    public const int MaxTransferBlocks = 65536;

    /// <summary>Where longer transfers gain nothing (VPD B0): 2 MiB of 512-byte blocks. Linux raises its request size to it.</summary>
    public const int OptimalTransferBlocks = 4096;

    /// <summary>Longest COMPARE AND WRITE (VPD B0): all that its CDB can say.</summary>
    public const int MaxCompareAndWriteBlocks = 255;

    /// <summary>Longest WRITE SAME (VPD B0). Linux zeroes as much in one command.</summary>
    public const int MaxWriteSameBlocks = 0x7FFFFF;

    /// <summary>Blocks of one UNMAP descriptor or of all together (VPD B0).</summary>
    public const int MaxUnmapBlocks = 1 << 20;

    /// <summary>Initiator ports of which a unit remembers, after they have gone, what they were told of failed syncs.</summary>
    public const int RememberedPorts = 4096;

    /// <summary>Block descriptors of one UNMAP (VPD B0).</summary>
    public const int MaxUnmapDescriptors = 256;

    /// <summary>Descriptors that one GET LBA STATUS returns, whatever its allocation length.</summary>
    public const int MaxLbaStatusDescriptors = 256;

    /// <summary>Looks at the disk that one GET LBA STATUS takes beyond one for each descriptor, to make one extent of neighbours.</summary>
    public const int LbaStatusMergingLooks = 16;

    /// <summary>I_T nexuses that one unit registers for persistent reservations.</summary>
    public const int MaxRegistrations = 1024;

    /// <summary>Parameter list of one PERSISTENT RESERVE OUT.</summary>
    public const int MaxReserveOutBytes = 64 * 1024;

    /// <summary>Target descriptors of one EXTENDED COPY.</summary>
    public const int MaxCopyTargets = 16;

    /// <summary>Segment descriptors of one EXTENDED COPY.</summary>
    public const int MaxCopySegments = 64;

    /// <summary>Target and segment descriptors of one EXTENDED COPY together, in bytes: room for one more of each than is taken.</summary>
    public const int MaxCopyListBytes = 4096;

    /// <summary>Longest parameter list of EXTENDED COPY that is looked at.</summary>
    public const int MaxCopyParameterBytes = 64 * 1024;

    /// <summary>What one segment may copy.</summary>
    public const int MaxCopySegmentBytes = 1 << 30;

    /// <summary>Copies at once, as far as list identifiers tell them apart.</summary>
    public const int MaxConcurrentCopies = 255;

    /// <summary>Piece in which long work reads and writes, so that memory is bounded and an abort is heard.</summary>
    public const int PieceBytes = 256 * 1024;

    /// <summary>Piece in which UNMAP, WRITE SAME and what erases the medium make zeros: a multiple of every cluster size.</summary>
    public const int ZeroStepBytes = 64 << 20;

    /// <summary>LUNs that a flat address can name (SAM-5 4.6.11).</summary>
    public const int MaxLuns = 1 << 14;

    /// <summary>How long TEST UNIT READY waits for a unit that is becoming ready.</summary>
    public static readonly TimeSpan ReadyWait = TimeSpan.FromSeconds(5);

    /// <summary>How often work that no abort ends looks whether the fence that holds it up is gone.</summary>
    public static readonly TimeSpan FenceLook = TimeSpan.FromMilliseconds(50);

    /// <summary>How long PREEMPT AND ABORT waits for a piece of a copy that its disk has.</summary>
    public static readonly TimeSpan AbortPatience = TimeSpan.FromSeconds(5);

    /// <summary>How long START STOP UNIT waits for another nexus to allow removal, which may be about to end.</summary>
    public static readonly TimeSpan RemovalPatience = TimeSpan.FromMilliseconds(250);

    static ScsiLimits()
    {
        if (((MaxCopyTargets + 1) * 32) + 28 > MaxCopyListBytes || 32 + ((MaxCopySegments + 1) * 28) > MaxCopyListBytes)
            throw new InvalidOperationException($"{nameof(MaxCopyListBytes)} has no room for one descriptor too many.");
        if (OptimalTransferBlocks > MaxTransferBlocks)
            throw new InvalidOperationException($"{nameof(OptimalTransferBlocks)} is above {nameof(MaxTransferBlocks)}.");
    }
}
