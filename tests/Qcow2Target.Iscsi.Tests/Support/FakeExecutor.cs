using System.Buffers.Binary;
using System.Collections.Concurrent;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Iscsi.Tests.Support;

/// <summary>
/// A little disk in memory behind a session's machine. Knows READ(16), WRITE(16), TEST UNIT READY, INQUIRY, a command with parameters (0x42), a flush
/// (0x35) and refuses the rest. What is slow waits until the test lets it end.
/// </summary>
internal sealed class FakeExecutor(int diskBytes) : ICommandExecutor
{
    private static readonly byte[] Pattern = MakePattern();

    private int _gone;

    public const byte TestUnitReady = 0x00;
    public const byte Inquiry = 0x12;
    public const byte Flush = 0x35;
    public const byte Unmap = 0x42;
    public const byte Read = 0x88;
    public const byte Write = 0x8A;
    public const int BlockBytes = 512;

    public static readonly byte[] InvalidOpcode = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0];
    public static readonly byte[] ReadError = [0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0];
    public static readonly byte[] WriteError = [0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 0];

    public byte[] Disk { get; } = Pattern[..diskBytes];

    public bool ReadsAreSlow { get; set; }

    public bool WritesAreSlow { get; set; }

    /// <summary>What is slow ends inside the call that starts it.</summary>
    public bool EndsSlowAtOnce { get; set; }

    public ConcurrentQueue<(ScsiTask Task, DataInBuffer Buffer)> SlowReads { get; } = new();

    public ConcurrentQueue<(ScsiTask Task, DataOutBuffer Buffer)> SlowWrites { get; } = new();

    public ConcurrentQueue<ScsiTask> Flushes { get; } = new();

    public ConcurrentQueue<TaskManagementRequest> Requests { get; } = new();

    public List<byte[]> ParameterLists { get; } = [];

    /// <summary>Length of each write that was done at once, in order.</summary>
    public List<int> DirectWrites { get; } = [];

    public int Begun { get; private set; }

    public int Gone => _gone;

    /// <summary>Called in Begin before anything else.</summary>
    public Action<ScsiTask>? OnBegin { get; set; }

    /// <summary>Called in TryRead before anything else.</summary>
    public Action? BeforeRead { get; set; }

    public Action<TaskManagementRequest>? OnManage { get; set; }

    public bool RecordsWrites { get; set; } = true;

    public bool DescriptorSense { get; set; }

    public bool WantsDescriptorSense(ScsiTask task) => DescriptorSense;

    public void Begin(ScsiTask task)
    {
        Begun++;
        OnBegin?.Invoke(task);
        var cdb = task.Cdb;
        switch (cdb[0])
        {
            case TestUnitReady:
                task.Complete(0);
                break;
            case Inquiry:
                task.Complete(0, dataIn: Disk.AsSpan(0, Math.Min((int)BinaryPrimitives.ReadUInt16BigEndian(cdb[3..]), 96)));
                break;
            case Read:
                task.ExpectRead(Length(cdb));
                break;
            case Write:
                task.ExpectWrite(Length(cdb));
                break;
            case Unmap:
                task.ExpectParameters(BinaryPrimitives.ReadUInt16BigEndian(cdb[7..]));
                break;
            case Flush:
                task.ExpectParameters(0);
                break;
            default:
                task.Complete(2, InvalidOpcode);
                break;
        }
    }

    public bool TryRead(ScsiTask task, long position, Span<byte> destination)
    {
        BeforeRead?.Invoke();
        if (ReadsAreSlow) return false;
        Disk.AsSpan(Offset(task, position), destination.Length).CopyTo(destination);
        return true;
    }

    public void StartRead(ScsiTask task, DataInBuffer destination)
    {
        if (EndsSlowAtOnce) EndRead(task, destination);
        else SlowReads.Enqueue((task, destination));
    }

    public bool TryWrite(ScsiTask task, long position, ReadOnlySpan<byte> source)
    {
        if (WritesAreSlow) return false;
        source.CopyTo(Disk.AsSpan(Offset(task, position)));
        if (RecordsWrites) DirectWrites.Add(source.Length);
        return true;
    }

    public void StartWrite(ScsiTask task, DataOutBuffer source)
    {
        if (EndsSlowAtOnce) EndWrite(task, source);
        else SlowWrites.Enqueue((task, source));
    }

    public void FinishWrite(ScsiTask task) => task.Complete(0);

    public void Execute(ScsiTask task, ReadOnlyMemory<byte> parameters)
    {
        if (task.Cdb[0] == Flush)
        {
            Flushes.Enqueue(task);
            return;
        }

        ParameterLists.Add(parameters.ToArray());
        task.Complete(0);
    }

    public void Manage(TaskManagementRequest request)
    {
        Requests.Enqueue(request);
        OnManage?.Invoke(request);
    }

    public void Ended(ScsiTask task) => Interlocked.Increment(ref _gone);

    public void EndRead(ScsiTask task, DataInBuffer buffer)
    {
        var position = buffer.Position;
        for (var i = 0; i < buffer.SegmentCount; i++)
        {
            var segment = buffer.Segment(i);
            Disk.AsSpan(Offset(task, position), segment.Length).CopyTo(segment.Span);
            position += segment.Length;
        }

        task.ReadDone(buffer);
    }

    public void EndWrite(ScsiTask task, DataOutBuffer buffer)
    {
        buffer.Bytes.Span.CopyTo(Disk.AsSpan(Offset(task, buffer.Position)));
        task.WriteDone(buffer);
    }

    /// <summary>Ends everything slow that waits.</summary>
    public void EndAll()
    {
        while (SlowReads.TryDequeue(out var read)) EndRead(read.Task, read.Buffer);
        while (SlowWrites.TryDequeue(out var write)) EndWrite(write.Task, write.Buffer);
        while (Flushes.TryDequeue(out var flush)) flush.Complete(0);
    }

    private static byte[] MakePattern()
    {
        var pattern = new byte[4 << 20];
        new Random(1).NextBytes(pattern);
        return pattern;
    }

    private static long Length(ReadOnlySpan<byte> cdb) => BinaryPrimitives.ReadUInt32BigEndian(cdb[10..]) * (long)BlockBytes;

    private static int Offset(ScsiTask task, long position) => (int)((BinaryPrimitives.ReadInt64BigEndian(task.Cdb[2..]) * BlockBytes) + position);
}
