using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Disks;

/// <summary>
/// A disk as sessions use it, beside its actor: bytes go through here and never through the mailbox. Reads, and writes in place, run on the
/// caller's thread against the image; what must wait runs on the image's queue; what changes metadata is laid down for the actor, which
/// is signalled once for many. Outlives recoveries: each brings a new <see cref="ImageLease"/>.
/// </summary>
public sealed class DiskPort(string path, int physicalBlockBytes, ZeroDetection zeroDetection) : IBlockDevice
{
    private readonly ConcurrentQueue<ImageRequest> _requests = new();
    private readonly ConcurrentQueue<ImageWork> _jobsDone = new();
    private volatile ImageLease? _lease;
    private volatile IActorRef? _actor;
    private volatile BlockDeviceShape? _shape;
    private volatile bool _closed;
    private int _signalled;
    private int _fences;
    private long _failedSyncs;
    private long _progress;

    public BlockDeviceShape Shape => _shape ?? throw new InvalidOperationException("the disk was never open");

    /// <summary>What becomes of zeros that initiators write.</summary>
    public ZeroDetection ZeroDetection => zeroDetection;

    /// <summary>Grows with everything that gets done: a close that advances is not stuck.</summary>
    public long Progress => Volatile.Read(ref _progress);

    /// <summary>The image that is served, or null while there is none.</summary>
    internal ImageLease? Lease => _lease;

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (_lease is not { } lease || !lease.Users.TryEnter())
            return false;
        try
        {
            return lease.Image.TryRead(offset, destination);
        }
        catch (ImageFaultException)
        {
            return false;   // ReadAsync meets it again and reports it
        }
        finally
        {
            lease.Users.Exit();
        }
    }

    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        if (_lease is not { } lease || Volatile.Read(ref _fences) > 0 || Shape.IsReadOnly || !lease.Users.TryEnter())
            return false;
        try
        {
            return !(zeroDetection == ZeroDetection.On && ZeroesOf(lease).IsAnyIn(offset, source)) && lease.Image.TryWrite(offset, source);
        }
        catch (ImageFaultException)
        {
            return false;   // WriteAsync meets it again and reports it
        }
        finally
        {
            lease.Users.Exit();
        }
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination)
    {
        var lease = Enter();
        var work = new ReadWork(lease, this, offset, destination);
        lease.Queue.Enqueue(work);
        return new ValueTask(work.Task);
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp = default)
    {
        var lease = EnterForWriting();
        if (zeroDetection == ZeroDetection.On && ZeroesOf(lease) is var zeroes && zeroes.IsAnyIn(offset, source.Span))
        {
            var whole = WritePiecesAsync(zeroes, offset, source, giveUp);
            lease.Users.Exit();   // each piece has entered by itself
            return new ValueTask(whole);
        }
        return new ValueTask(SubmitWrite(lease, offset, source, giveUp));
    }

    public ValueTask OverwriteAsync(long offset, ReadOnlyMemory<byte> source) =>
        new(SubmitWrite(EnterForWriting(), offset, source, CancellationToken.None));

    public ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp = default)
    {
        var lease = EnterForWriting();
        var request = new PortZero(lease, offset, length, mode == ZeroMode.FreeSpace ? ZeroSpace.Free : ZeroSpace.Keep, giveUp);
        Submit(lease, request, request);
        SignalWhen(giveUp);
        return new ValueTask(request.Ticket.Task);
    }

    public ValueTask<BlockExtent> DescribeAsync(long offset, long maxLength)
    {
        var lease = Enter();
        var work = new DescribeWork(lease, this, offset, maxLength);
        lease.Queue.Enqueue(work);
        return new ValueTask<BlockExtent>(work.Task);
    }

    public long FailedSyncs => Interlocked.Read(ref _failedSyncs);

    public ValueTask FlushAsync()
    {
        var lease = Enter();
        if (lease.Image.Writer is null)
        {
            lease.Users.Exit();
            return ValueTask.CompletedTask;
        }
        var request = new PortFlush(lease);
        Submit(lease, request, request);
        return new ValueTask(request.Ticket.Task);
    }

    /// <summary>Makes the disk larger. Null: done and durable, and <see cref="Shape"/> tells the new size.</summary>
    internal Task<ImageFault?> ResizeAsync(long bytes)
    {
        if (_lease is not { } lease || !lease.Users.TryEnter())
            return Task.FromResult<ImageFault?>(new ImageFault(ImageFaultKind.Closed, $"{path} is not in service"));
        if (lease.Image.Writer is null || Shape.IsReadOnly)
        {
            lease.Users.Exit();
            return Task.FromResult<ImageFault?>(new ImageFault(ImageFaultKind.ReadOnly, "it takes no writes"));
        }
        var request = new PortResize(lease, bytes, grown => _shape = Shape with { Blocks = grown / ActorLimits.BlockBytes });
        Submit(lease, request, request);
        return request.Task;
    }

    /// <summary>Checks the image's metadata while it is served. Of one that takes no writes only its file can be checked.</summary>
    internal Task<CheckAnswer> CheckAsync()
    {
        if (_lease is not { } lease || !lease.Users.TryEnter())
            return Task.FromResult(new CheckAnswer(null, new ImageFault(ImageFaultKind.Closed, $"{path} is not in service")));
        if (lease.Image.Writer is null)
        {
            lease.Users.Exit();
            return Task.FromResult(new CheckAnswer(null, new ImageFault(ImageFaultKind.ReadOnly, "it is served for reading only: check the file itself")));
        }
        var request = new PortCheck(lease);
        Submit(lease, request, request);
        return request.Task;
    }

    /// <summary>No write starts until the task has ended: a write that was given up is still on its way to the disk.</summary>
    public void FenceUntil(Task returned)
    {
        Interlocked.Increment(ref _fences);
        returned.ContinueWith(static (_, port) => Interlocked.Decrement(ref ((DiskPort)port!)._fences), this,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    // For the disk's actor.

    /// <summary>The actor, or its next incarnation, takes the port over.</summary>
    internal void Serve(IActorRef actor)
    {
        _actor = actor;
        if (Interlocked.Exchange(ref _signalled, 0) != 0)
            Signal();
    }

    internal void Begin(ImageLease lease)
    {
        var image = lease.Image;
        var cluster = image.Info.ClusterBytes;
        _shape = new BlockDeviceShape(image.Length / ActorLimits.BlockBytes, ActorLimits.BlockBytes,
            Math.Min(physicalBlockBytes, cluster), cluster, image.IsReadOnly);
        _lease = lease;
    }

    /// <summary>From now on the disk takes no work; what is under way ends with <see cref="ImageLease.Users"/>.</summary>
    internal ImageLease? Suspend()
    {
        var lease = _lease;
        lease?.Users.Close();
        return lease;
    }

    internal void Clear() => _lease = null;

    internal void NoteFailedSync() => Interlocked.Increment(ref _failedSyncs);

    /// <summary>The disk is detached: what still comes is told so.</summary>
    internal void CloseForGood()
    {
        _closed = true;
        Suspend();
    }

    /// <summary>The image contradicts itself: reads go on, writes are refused.</summary>
    internal void BecomeReadOnly() => _shape = Shape with { IsReadOnly = true };

    internal void TakeSignal() => Volatile.Write(ref _signalled, 0);

    internal bool TryTakeRequest([NotNullWhen(true)] out ImageRequest? request) => _requests.TryDequeue(out request);

    internal bool TryTakeJobDone([NotNullWhen(true)] out ImageWork? work) => _jobsDone.TryDequeue(out work);

    internal void Run(ImageLease lease, ImageWork work)
    {
        lease.Jobs.TryEnter();   // the owner closes this gate only when the writer wants nothing more
        lease.Queue.Enqueue(new WriterWork(lease, this, work));
    }

    private ImageLease Enter()
    {
        if (_lease is { } lease && lease.Users.TryEnter())
            return lease;
        throw _closed ? DeviceFaults.Gone(path) : DeviceFaults.NotReady(path);
    }

    private ImageLease EnterForWriting()
    {
        var lease = Enter();
        if (Volatile.Read(ref _fences) > 0)
        {
            lease.Users.Exit();
            throw DeviceFaults.Fenced(path);
        }
        if (lease.Image.Writer is not null && !Shape.IsReadOnly)
            return lease;
        lease.Users.Exit();
        throw new BlockDeviceException(BlockDeviceFault.WriteProtected, $"{path} is write protected");
    }

    private static ZeroClusters ZeroesOf(ImageLease lease) => new(lease.Image.Geometry.ClusterBytes, lease.Image.Length);

    private Task SubmitWrite(ImageLease lease, long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        var request = new PortWrite(lease, offset, source, giveUp);
        Submit(lease, request, request);
        SignalWhen(giveUp);
        return request.Ticket.Task;
    }

    /// <summary>A write with whole clusters of zeros: those are unmapped, the others written. Ends when every piece has; a piece may fail alone.</summary>
    private Task WritePiecesAsync(ZeroClusters zeroes, long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        var pieces = new List<Task>();
        try
        {
            while (source.Length > 0)
            {
                var length = zeroes.TakePiece(offset, source.Span, out var content);
                pieces.Add(content == PieceContent.Zeros
                    ? ZeroAsync(offset, length, ZeroMode.FreeSpace, giveUp).AsTask()
                    : SubmitWrite(EnterForWriting(), offset, source[..length], giveUp));
                offset += length;
                source = source[length..];
            }
        }
        catch (BlockDeviceException turnedAway)
        {
            // The disk leaves while the pieces go in: those that are in still read the source.
            pieces.Add(Task.FromException(turnedAway));
        }
        return Task.WhenAll(pieces);
    }

    /// <summary>The writer looks again when somebody gives up. The registration goes with the token, which is one command's.</summary>
    private void SignalWhen(CancellationToken giveUp) => giveUp.UnsafeRegister(static port => ((DiskPort)port!).Signal(), this);

    private void Submit(ImageLease lease, ImageRequest request, IPortRequest ours)
    {
        lease.Add(ours);
        _requests.Enqueue(request);
        Signal();
    }

    private void Signal()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
            _actor?.Tell(DiskActor.Drain.Instance, ActorRefs.NoSender);
    }

    /// <summary>A question to the image that may wait for its file.</summary>
    private abstract class Question<T>(ImageLease lease, DiskPort port) : BlockingWork
    {
        // Continuations run on this thread: it is ours, and what they do is lay out an answer and send it without blocking.
        private readonly TaskCompletionSource<T> _done = new();

        public Task<T> Task => _done.Task;

        public override void Run()
        {
            T answer = default!;
            BlockDeviceException? fault = null;
            try
            {
                answer = Ask(lease.Image);
            }
            catch (ImageFaultException e)
            {
                fault = DeviceFaults.From(e.Fault);
            }
#pragma warning disable CA1031 // a bug under one question must fail that question, not the process
            catch (Exception e)
            {
                fault = new BlockDeviceException(BlockDeviceFault.Corrupt, "internal fault: " + e.Message, e);
            }
#pragma warning restore CA1031
            finally
            {
                Interlocked.Increment(ref port._progress);
                lease.Users.Exit();
            }
            if (fault is null)
                _done.SetResult(answer);
            else
                _done.SetException(fault);
        }

        protected abstract T Ask(Qcow2Image image);
    }

    /// <summary>The answer is the number of bytes.</summary>
    private sealed class ReadWork(ImageLease lease, DiskPort port, long offset, Memory<byte> destination) : Question<int>(lease, port)
    {
        protected override int Ask(Qcow2Image image)
        {
            image.Read(offset, destination.Span);
            return destination.Length;
        }
    }

    private sealed class DescribeWork(ImageLease lease, DiskPort port, long offset, long maxLength) : Question<BlockExtent>(lease, port)
    {
        protected override BlockExtent Ask(Qcow2Image image)
        {
            var extent = image.Describe(offset, maxLength);
            return new BlockExtent(extent.Length, extent.State == ExtentState.Mapped ? ProvisioningState.Mapped : ProvisioningState.Deallocated);
        }
    }

    private sealed class WriterWork(ImageLease lease, DiskPort port, ImageWork work) : BlockingWork
    {
        public override void Run()
        {
            try
            {
                work.Execute();
            }
            finally
            {
                Interlocked.Increment(ref port._progress);
                port._jobsDone.Enqueue(work);
                lease.Jobs.Exit();
                port.Signal();
            }
        }
    }
}
