using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// Before the first change: autoclear bits go, and where there is to be a pending log it is begun and its mark takes their place; durable before
/// anything relies on it. A log that cannot be made is done without.
/// </summary>
internal sealed class AnnounceWork(OpenedFile file, ImageHeader header, ClusterGeometry geometry, PendingLogs? logs) : ImageWork
{
    /// <summary>The log that was begun; null: none was asked for, or it could not be made.</summary>
    internal PendingLog? Log { get; private set; }

    /// <summary>Why there is no log although one was asked for; null: there is.</summary>
    internal ImageFault? LogFault { get; private set; }

    internal bool SyncFailed { get; private set; }

    private protected override void Run()
    {
        if (logs is not null) BeginLog(logs);
        var word = Log?.Mark.Word ?? header.KeptAutoclear;
        if (word == header.Autoclear) return;
        try
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, word);
            file.File.Write(ImageHeader.AutoclearField, bytes);
        }
        catch
        {
            // Without its mark a log means nothing.
            Log?.Dispose();
            if (Log is not null) logs!.Remove(Log.Mark);
            Log = null;
            throw;
        }
        SyncFailed = true;
        file.File.Sync();
        SyncFailed = false;
    }

    private void BeginLog(PendingLogs into)
    {
        try
        {
            Log = into.Begin(file.Identity, file.Path, geometry);
        }
        catch (BlockFileException exception)
        {
            LogFault = Faults.From(exception, ImageFaultKind.WriteError);
        }
    }
}

/// <summary>Whether the end of a mark is made durable.</summary>
internal enum MarkRemoval
{
    Durable,

    /// <summary>No sync: the image is about to be deleted.</summary>
    Lazy,
}

/// <summary>Sets the autoclear word back and removes the log, in this order: a log whose mark is gone means nothing.</summary>
internal sealed class UnmarkWork(IBlockFile file, PendingLogs logs, PendingLog log, MarkRemoval removal) : ImageWork
{
    internal bool SyncFailed { get; private set; }

    private protected override void Run()
    {
        Span<byte> none = stackalloc byte[sizeof(ulong)];
        none.Clear();
        file.Write(ImageHeader.AutoclearField, none);
        if (removal == MarkRemoval.Durable)
        {
            SyncFailed = true;
            file.Sync();
            SyncFailed = false;
        }
        log.Dispose();
        try
        {
            logs.Remove(log.Mark);
        }
        catch (BlockFileException)
        {
            // What is left of it has no mark and everything in it is in the image: the next open, or the next start, removes it.
        }
    }
}
