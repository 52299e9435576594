using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// What becomes, when an image is opened, of writes that a process completed and did not commit before it was killed. The image carries a mark, the
/// log the same mark and the file's identity; only together do they mean something.
/// </summary>
internal static class PendingRecovery
{
    /// <summary>For writing: afterwards the image has no mark and needs no log. Its header has to be read again.</summary>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.PendingWrites"/>: it is not safe to write to this image.</exception>
    /// <exception cref="BlockFileException">The image or a log could not be read or written.</exception>
    internal static PendingReport BringHome(OpenedFile file, ImageHeader header, PendingLogs? logs, PendingRule rule)
    {
        if (!IsMarked(header, out var mark)) return SetAsideWithoutMark(file, header, logs);
        if (mark.Boot != (logs?.Boot ?? BootId.Current))
        {
            // The page cache went down with the host. What had been flushed is in the image, and nothing less is safe than it was.
            var aside = SetAsideWithoutMark(file, header, logs);
            ClearMark(file.File);
            return aside.Finding != PendingFinding.None ? aside : new PendingReport(PendingFinding.HostWentDown, "it was being written when the host went down: writes that were not flushed are lost");
        }
        if (Find(file, header, logs, mark) is not { } changes) return GiveUp(file, rule, $"writes that the image has not yet are in the log {mark} {WhereElse(logs)}");
        if (changes.FindContradiction(file.File, header) is { } why)
        {
            var report = GiveUp(file, rule, $"the log {mark} of writes that the image has not yet does not fit it: {why}");
            logs!.SetAside(mark);
            return report;
        }
        changes.WriteTo(file.File, header);
        ClearMark(file.File);
        logs!.Remove(mark);
        return new PendingReport(PendingFinding.Replayed, changes.Count == 0
            ? "it was in use when the last process was killed, and nothing was pending"
            : $"{changes.Count} mappings that completed before the last process was killed were brought into it");
    }

    /// <summary>For reading: the changes to lay over the tables in memory; null: none.</summary>
    /// <exception cref="BlockFileException">The image or a log could not be read.</exception>
    internal static PendingChanges? LayOver(OpenedFile file, ImageHeader header, PendingLogs? logs, out PendingReport report)
    {
        report = PendingReport.Nothing;
        if (!IsMarked(header, out var mark) || mark.Boot != (logs?.Boot ?? BootId.Current)) return null;
        if (Find(file, header, logs, mark) is not { } changes)
        {
            report = new PendingReport(PendingFinding.NotHere, $"it is read without the writes in the log {mark} {WhereElse(logs)}");
            return null;
        }
        if (changes.FindContradiction(file.File, header) is { } why)
        {
            report = new PendingReport(PendingFinding.Contradicted, $"it is read without the writes in the log {mark}, which does not fit it: {why}");
            return null;
        }
        if (changes.Count > 0) report = new PendingReport(PendingFinding.LaidOver, $"it is read with {changes.Count} mappings of the log {mark}; no byte of it is changed");
        return changes;
    }

    private static bool IsMarked(ImageHeader header, out PendingMark mark) => PendingMark.TryRead(header.Autoclear, out mark);

    private static string WhereElse(PendingLogs? logs) =>
        $"of the daemon that was killed{(logs is null ? "" : $", which is not in {logs.Path}")}: start that daemon with its own --state-dir";

    private static PendingChanges? Find(OpenedFile file, ImageHeader header, PendingLogs? logs, PendingMark mark)
    {
        if (logs?.Find(mark, file.Identity) is not { } log) return null;
        var geometry = ClusterGeometry.Of(header);
        return PendingChanges.Of(PendingLog.Read(log, mark, geometry), geometry);
    }

    private static PendingReport GiveUp(OpenedFile file, PendingRule rule, string why)
    {
        if (rule == PendingRule.Keep)
        {
            throw new Qcow2FormatException(Qcow2FormatError.PendingWrites, ImageHeader.AutoclearField,
                $"{why}; the image can only be opened read-only, or with \"discard_pending\": true without them");
        }
        ClearMark(file.File);
        return new PendingReport(PendingFinding.Discarded, $"{why}; they are given up");
    }

    // A log of this file under another mark than the file's: whoever else opens an image for writing clears the mark.
    private static PendingReport SetAsideWithoutMark(OpenedFile file, ImageHeader header, PendingLogs? logs)
    {
        var report = PendingReport.Nothing;
        foreach (var mark in logs?.FindWithoutMark(file.Identity) ?? [])
        {
            if (Find(file, header, logs, mark) is not { } changes || changes.AreIn(file.File, header))
            {
                logs!.Remove(mark);
                continue;
            }
            logs!.SetAside(mark);
            report = new PendingReport(PendingFinding.SetAside,
                $"somebody else opened it for writing after its last process was killed: the {changes.Count} mappings in the log {mark} are lost, the log was set aside");
        }
        return report;
    }

    private static void ClearMark(IBlockFile file)
    {
        Span<byte> none = stackalloc byte[sizeof(ulong)];
        none.Clear();
        file.Write(ImageHeader.AutoclearField, none);
        file.Sync();
    }
}
