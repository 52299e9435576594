namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>What an engine did to its image or to its pending logs.</summary>
internal enum CrashEventKind
{
    Write,
    Punch,

    /// <summary>A sync of the image, where it ended: all before it is durable.</summary>
    Sync,
    LogCreate,
    LogWrite,
    LogRename,
    LogRemove,
}

/// <param name="Name">Of a log; empty for the image.</param>
/// <param name="Offset">Bytes.</param>
/// <param name="Length">Bytes; of a new log its size.</param>
/// <param name="Bytes">What was written.</param>
/// <param name="NewName">Of a log that was renamed.</param>
internal sealed record CrashEvent(CrashEventKind Kind, string Name = "", long Offset = 0, long Length = 0, byte[]? Bytes = null, string NewName = "")
{
    /// <summary>What a power cut may lose, or tear.</summary>
    internal bool ChangesImage => Kind is CrashEventKind.Write or CrashEventKind.Punch;

    /// <summary>Makes the change to a copy of what was there.</summary>
    internal void ApplyTo(PagedDisk image, StateFolder folder)
    {
        switch (Kind)
        {
            case CrashEventKind.Write: image.Write(Offset, Bytes); break;
            case CrashEventKind.Punch: image.Punch(Offset, Length); break;
            case CrashEventKind.LogCreate: folder.Create(Name, Length); break;
            case CrashEventKind.LogWrite: folder[Name].Write(Offset, Bytes); break;
            case CrashEventKind.LogRename: folder.Rename(Name, NewName); break;
            case CrashEventKind.LogRemove: folder.Remove(Name); break;
        }
    }

    /// <summary>Makes a part of it: bytes <paramref name="from"/> to <paramref name="to"/>.</summary>
    internal void ApplyPartTo(PagedDisk image, StateFolder folder, long from, long to)
    {
        if (Kind == CrashEventKind.Write) image.Write(Offset + from, Bytes.AsSpan((int)from, (int)(to - from)));
        else if (Kind == CrashEventKind.Punch) image.Punch(Offset + from, to - from);
        else if (Kind == CrashEventKind.LogWrite) folder[Name].Write(Offset + from, Bytes.AsSpan((int)from, (int)(to - from)));
    }

    public override string ToString() => Kind == CrashEventKind.Sync ? "sync" : $"{Kind} {Name} {Length} at 0x{Offset:x}";
}
