using System.Diagnostics;

namespace Qcow2Target.Iscsi;

/// <summary>Every limit of this room in one place, and how they relate.</summary>
public static class IscsiLimits
{
    static IscsiLimits()
    {
        Require(OutputChunkBytes >= OutputFlushBytes + MaxPieceBytes, "a piece fits behind a batch that is not yet flushed");
        Require(MaxUnsentBytes >= OutputFlushBytes, "a batch may leave before reads are parked");
        Require(MaxPieceBytes % 512 == 0, "pieces are whole blocks");
        Require(LoginBufferBytes >= MaxLoginSegmentBytes + 48 + MaxAdditionalHeaderBytes, "a login PDU fits its buffer");
        Require(MaxLoginTextBytes >= MaxLoginSegmentBytes, "one full login PDU is not too long");
        Require(PromisedWriteBytes >= ScarceBurstBytes && MaxWriteBytes > PromisedWriteBytes, "a promise covers a burst and is less than the most");
        Require(ScarceTasks <= MaxTasks, "scarcity narrows the window");
        Require(MaxTasks <= ushort.MaxValue, "a task's slot fits a transfer tag");
    }

    /// <summary>Commands of one session at once: the command window when nothing is under way.</summary>
    public const int MaxTasks = 128;

    /// <summary>Commands beyond the window that immediate delivery may add; more are rejected (0x06).</summary>
    public const int MaxImmediateTasks = 16;

    /// <summary>Task management functions of one session at once.</summary>
    public const int MaxTaskManagementRequests = 16;

    /// <summary>
    /// PDUs that are rejected one after the other before the connection ends: whoever sends those has lost its way, and costs what a busy session
    /// costs. More than an initiator has under way when it is asked to log out.
    /// </summary>
    public const int MaxRejectsInARow = 2 * MaxTasks;

    /// <summary>R2Ts that one task may have open, whatever is negotiated.</summary>
    public const int MaxOutstandingR2T = 8;

    /// <summary>Longest data segment that we ever declare to take: 256 KiB.</summary>
    public const int MaxDataSegmentBytes = 256 << 10;

    /// <summary>Additional headers taken: an extended CDB of 260 bytes (248 with its own header and padding) and a bidirectional length (8).</summary>
    public const int MaxAdditionalHeaderBytes = 256;

    /// <summary>Longest CDB.</summary>
    public const int MaxCdbBytes = 260;

    /// <summary>Longest sense data sent.</summary>
    public const int MaxSenseBytes = 252;

    /// <summary>Largest parameter list that a command may ask for (UNMAP, MODE SELECT, COMPARE AND WRITE of 255 blocks).</summary>
    public const int MaxParameterBytes = 1 << 20;

    /// <summary>A read is done in pieces of at most this.</summary>
    public const int MaxPieceBytes = 256 << 10;

    /// <summary>Written data of at least this goes from the receive buffer to the device at once; less is gathered until the burst is whole.</summary>
    public const int DirectWriteBytes = 64 << 10;

    /// <summary>Small Data-Outs are gathered up to this.</summary>
    public const int GatherBytes = 256 << 10;

    /// <summary>Size of a chunk in which a connection lays out its answers.</summary>
    public const int OutputChunkBytes = 528 << 10;

    /// <summary>A batch of answers leaves when it has grown to this.</summary>
    public const int OutputFlushBytes = 256 << 10;

    /// <summary>Reads are parked while this much output is not yet sent.</summary>
    public const int MaxUnsentBytes = 512 << 10;

    /// <summary>Reads are parked while slow reads of one session hold this much.</summary>
    public const int MaxSlowReadBytes = 4 << 20;

    /// <summary>The same while the sessions together hold as much as they may (<see cref="Buffers.BufferPool.IsScarce"/>).</summary>
    public const int ScarceSlowReadBytes = 256 << 10;

    /// <summary>R2Ts wait while the writes of one session hold this much: data asked for, gathered, and being written.</summary>
    public const int MaxWriteBytes = 16 << 20;

    /// <summary>The same while the sessions together hold as much as they may. Every session can count on this much.</summary>
    public const int PromisedWriteBytes = 1 << 20;

    /// <summary>Longest data that one R2T asks for while the sessions together hold as much as they may.</summary>
    public const int ScarceBurstBytes = 64 << 10;

    /// <summary>Commands of one session at once while the sessions together hold as much as they may.</summary>
    public const int ScarceTasks = 16;

    /// <summary>Bytes that all sessions together may hold unless the configuration says otherwise: 512 MiB.</summary>
    public const long DefaultTransferBytes = 512L << 20;

    /// <summary>The least that makes sense: what an idle pool keeps, and some sessions at full speed.</summary>
    public const long MinTransferBytes = 64L << 20;

    /// <summary>Small answers (NOP-In, Reject, Text) that may wait for a peer which does not read: the connection ends beyond.</summary>
    public const int MaxQueuedSmallBytes = 4 << 20;

    /// <summary>Longest data segment of a login PDU (RFC 7143 13.12: the default MaxRecvDataSegmentLength counts during login).</summary>
    public const int MaxLoginSegmentBytes = 8192;

    /// <summary>Text of one login request over all its PDUs.</summary>
    public const int MaxLoginTextBytes = 64 << 10;

    /// <summary>Login Requests of one connection.</summary>
    public const int MaxLoginRequests = 64;

    /// <summary>Text of one Text negotiation over all its PDUs.</summary>
    public const int MaxTextBytes = 64 << 10;

    /// <summary>Keys in one text.</summary>
    public const int MaxTextPairs = 256;

    /// <summary>Bytes that a receive buffer for a login or a discovery session needs.</summary>
    public const int LoginBufferBytes = 16 << 10;

    /// <summary>Answers of a discovery session leave before more requests are taken once there is this much.</summary>
    public const int DiscoveryFlushBytes = 64 << 10;

    /// <summary>Called at start: the relations above hold.</summary>
    public static void Check()
    {
    }

    private static void Require(bool holds, string relation)
    {
        if (!holds) throw new UnreachableException($"Limits contradict each other: not true that {relation}.");
    }
}
