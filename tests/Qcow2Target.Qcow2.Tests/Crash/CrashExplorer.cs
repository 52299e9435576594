using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>
/// Goes through what a power cut, or a kill, at any point of a recorded workload could leave, and holds each state against the promises: the metadata
/// is sound (leaks at most), the engine opens it for writing, nothing flushed is older than it was (power), nothing acknowledged is (kill), and no
/// sector shows another one's data.
/// </summary>
internal sealed class CrashExplorer(CrashWorkload workload, Random random, StateSampler sampler)
{
    private const int RandomSubsetsForEachWrite = 2;
    private const int RandomSubsets = 6;

    internal static readonly BootId Boot = BootId.Of("the boot of the workload");
    private static readonly BootId NextBoot = BootId.Of("the boot after the power cut");
    private static readonly FileIdentity Copied = new(1, 2, 3);

    private readonly HashSet<(ulong, int)> _seen = [];
    private readonly HashSet<ulong> _sound = [];
    private readonly byte[] _buffer = new byte[64 << 10];
    private readonly List<(int First, int Count)> _touched = workload.History.TouchedRanges();

    /// <summary>Different states looked at.</summary>
    internal long States { get; private set; }

    /// <param name="isEnough">Asked now and then.</param>
    /// <exception cref="CrashFinding">A promise was broken.</exception>
    internal void Explore(Func<bool> isEnough)
    {
        if (workload.IsClosed) RequireSound(workload.Recorder.Live, CheckOutcome.Clean, () => "after the close");
        ExplorePowerCuts(isEnough);
        ExploreKills(isEnough);
    }

    // The power goes. Until the next sync has ended any subset of the writes since the last one may be there: whatever an earlier cut leaves is
    // one of these subsets, too, and the floor is highest just before that sync ends.
    private void ExplorePowerCuts(Func<bool> isEnough)
    {
        var events = workload.Recorder.Events;
        var durable = workload.Recorder.Initial.Fork();
        var nowhere = new StateFolder();
        for (var start = 0; start < events.Count && !isEnough();)
        {
            var end = start;
            while (end < events.Count && events[end].Kind != CrashEventKind.Sync) end++;
            // The sync itself may have ended without that anybody knows; who is acknowledged because of it comes later.
            var floors = workload.History.FlushedAt(end);
            var writes = Enumerable.Range(start, end - start).Where(index => events[index].ChangesImage).ToArray();
            ExploreSubsets(durable, writes, floors, end);
            foreach (var index in writes) events[index].ApplyTo(durable, nowhere);
            start = end + 1;
        }
    }

    private void ExploreSubsets(PagedDisk durable, int[] writes, int[] floors, int window)
    {
        Cut(durable, writes, floors, window, "none", (_, _) => false);
        var growing = durable.Fork();
        var nowhere = new StateFolder();
        for (var count = 1; count <= writes.Length; count++)
        {
            workload.Recorder.Events[writes[count - 1]].ApplyTo(growing, nowhere);
            JudgeCut(growing.Fork(), floors, window, () => $"the first {count} of the writes at {Describe(writes)}");
            if (writes.Length > 1)
            {
                var one = count - 1;
                Cut(durable, writes, floors, window, $"only {writes[one]}", (number, _) => number == one);
                Cut(durable, writes, floors, window, $"all but {writes[one]}", (number, _) => number != one);
            }
        }
        if (writes.Length == 0) return;
        for (var subset = writes.Length * RandomSubsetsForEachWrite + RandomSubsets; subset > 0; subset--)
        {
            // Whole, lost or torn, more of the one or of the other.
            var (there, torn) = (random.Next(1, 5), random.Next(0, 4));
            var fates = Array.ConvertAll(writes, _ => random.Next(5) < there ? 1 : random.Next(4) < torn ? 2 : 0);
            Cut(durable, writes, floors, window, $"subset {string.Concat(fates)}", (number, _) => fates[number] == 1 || (fates[number] == 2 && random.Next(2) == 0));
        }
    }

    private void Cut(PagedDisk durable, int[] writes, int[] floors, int window, string what, Func<int, int, bool> survives)
    {
        var disk = durable.Fork();
        for (var number = 0; number < writes.Length; number++) ApplySectors(workload.Recorder.Events[writes[number]], disk, number, survives);
        JudgeCut(disk, floors, window, () => $"{what} of the writes at {Describe(writes)}");
    }

    private static void ApplySectors(CrashEvent change, PagedDisk disk, int number, Func<int, int, bool> survives)
    {
        var sector = 0;
        long run = -1;
        for (long from = 0; from < change.Length; sector++)
        {
            var to = Math.Min(change.Length, ((((change.Offset + from) / DiskHistory.SectorBytes) + 1) * DiskHistory.SectorBytes) - change.Offset);
            var isThere = survives(number, sector);
            if (isThere && run < 0) run = from;
            if (!isThere && run >= 0)
            {
                change.ApplyPartTo(disk, null!, run, from);
                run = -1;
            }
            from = to;
        }
        if (run >= 0) change.ApplyPartTo(disk, null!, run, change.Length);
    }

    private void JudgeCut(PagedDisk disk, int[] floors, int window, Func<string> what)
    {
        if (!_seen.Add((disk.Hash, window))) return;
        States++;
        string Where() => $"power cut before position {window}: {what()}";
        RequireSound(disk, CheckOutcome.Leaks, Where);
        sampler.Offer(disk, workload.Start.Bases, Where);
        using var image = Open(disk.Fork(), new StateFolder(), NextBoot, Where);
        RequireContent(image, floors, window, SizeRule.Flushed, Where);
    }

    // The process is killed: all that it has written is there, the last write perhaps in part.
    private void ExploreKills(Func<bool> isEnough)
    {
        var events = workload.Recorder.Events;
        var image = workload.Recorder.Initial.Fork();
        var folder = workload.Recorder.InitialFolder.Fork();
        var acknowledged = workload.History.Acknowledged();
        for (var position = 0; position <= events.Count && !isEnough(); position++)
        {
            var hasRisen = acknowledged.MoveTo(position);
            if (hasRisen || position == 0 || events[position - 1].Kind != CrashEventKind.Sync) JudgeKill(image, folder, acknowledged.Floors, position, () => "");
            if (position == events.Count) break;
            var next = events[position];
            if (next.ChangesImage || next.Kind == CrashEventKind.LogWrite) Tear(next, image, folder, acknowledged.Floors, position);
            next.ApplyTo(image, folder);
        }
    }

    private void Tear(CrashEvent last, PagedDisk image, StateFolder folder, int[] floors, int position)
    {
        var unit = last.Kind == CrashEventKind.LogWrite ? 1 : DiskHistory.SectorBytes;
        if (last.Length <= unit) return;
        var length = (random.NextInt64(1, ((last.Length - 1) / unit) + 1)) * unit;
        var (tornImage, tornFolder) = (image.Fork(), folder.Fork());
        last.ApplyPartTo(tornImage, tornFolder, 0, length);
        JudgeKill(tornImage, tornFolder, floors, position, () => $", {length} bytes of {last}");
    }

    private void JudgeKill(PagedDisk disk, StateFolder folder, int[] floors, int position, Func<string> more)
    {
        States++;
        string Where() => $"kill at position {position}{more()}";
        RequireSound(disk, CheckOutcome.Leaks, () => Where() + ", before the replay");
        if (random.Next(8) == 0) sampler.Offer(disk, workload.Start.Bases, Where);
        var (after, logs) = (disk.Fork(), folder.Fork());
        using (var image = Open(after, logs, Boot, Where)) RequireContent(image, floors, position, SizeRule.Acknowledged, Where);
        RequireSound(after, CheckOutcome.Leaks, () => Where() + ", after the replay");
        switch (random.Next(40))
        {
            case 0: ReadWithoutWriting(disk, folder, floors, position, Where); break;
            case 1: OpenElsewhere(disk, folder, position, Where); break;
            case 2: OpenAfterSomebodyElse(disk, folder, position, Where); break;
            case 3: InterruptReplay(disk, folder, floors, position, Where); break;
        }
    }

    // Read-only, or below an overlay: the same content, and not a byte of the image or of the logs changes.
    private void ReadWithoutWriting(PagedDisk disk, StateFolder folder, int[] floors, int position, Func<string> where)
    {
        var (image, logs) = (disk.Fork(), folder.Fork());
        var before = image.Hash;
        using (var open = new CrashFiles(image, workload.Start.Bases).OpenImage(LogsIn(logs, Boot), ImageAccess.ReadOnly))
            RequireContent(open, floors, position, SizeRule.Acknowledged, () => where() + ", read-only");
        using (var below = new CrashFilesAbove(new PagedDisk(), image, workload.Start.Bases).OpenOverlay(LogsIn(logs, Boot), ImageSize(disk)))
            RequireContent(below, floors, position, SizeRule.Acknowledged, () => where() + ", below an overlay");
        if (image.Hash != before || !logs.List().SequenceEqual(folder.List())) throw new CrashFinding($"{where()}: reading changed the image or its logs");
    }

    // Another state dir, or a copy of the file: refused as long as there is a mark, and opened without the pending writes if that is asked for.
    private void OpenElsewhere(PagedDisk disk, StateFolder folder, int position, Func<string> where)
    {
        var isCopy = random.Next(2) == 0;
        var image = disk.Fork();
        var logs = LogsIn(isCopy ? folder.Fork() : new StateFolder(), Boot);
        var files = new CrashFiles(image, workload.Start.Bases, isCopy ? Copied : null);
        var floors = workload.History.FlushedAt(position);
        if (AutoclearOf(disk) != 0)
        {
            var before = image.Hash;
            try
            {
                files.OpenImage(logs).Dispose();
                throw new CrashFinding($"{where()}: {(isCopy ? "a copy" : "an image whose log is elsewhere")} was opened for writing");
            }
            catch (Qcow2FormatException refusal) when (refusal.Error == Qcow2FormatError.PendingWrites && image.Hash == before)
            {
                // As it should be.
            }
        }
        using (var open = files.OpenImage(logs, rule: PendingRule.Discard)) RequireContent(open, floors, position, SizeRule.Flushed, () => where() + ", opened elsewhere");
        RequireSound(image, CheckOutcome.Leaks, () => where() + ", opened elsewhere");
    }

    // Whoever else opens it for writing clears the mark: from then on the log means nothing.
    private void OpenAfterSomebodyElse(PagedDisk disk, StateFolder folder, int position, Func<string> where)
    {
        var (image, logs) = (disk.Fork(), folder.Fork());
        image.Write(ImageHeader.AutoclearField, new byte[sizeof(ulong)]);
        using (var open = Open(image, logs, Boot, where)) RequireContent(open, workload.History.FlushedAt(position), position, SizeRule.Flushed, () => where() + ", written by somebody else");
        if (logs.List().Any(name => name.EndsWith(".log", StringComparison.Ordinal) && IsLog(logs[name]))) throw new CrashFinding($"{where()}: a log without its mark was kept");
        RequireSound(image, CheckOutcome.Leaks, () => where() + ", written by somebody else");
    }

    // Killed again while it is brought home, at every step; and the power gone there, with what the killed process had not synced, too.
    private void InterruptReplay(PagedDisk disk, StateFolder folder, int[] floors, int position, Func<string> where)
    {
        var recorder = new CrashRecorder(disk.Fork(), folder.Fork());
        new CrashFiles(recorder.Image, workload.Start.Bases).OpenImage(LogsIn(recorder.Folder, Boot)).Dispose();
        var (image, logs) = (disk.Fork(), folder.Fork());
        var (durable, unsynced) = DurableAt(position);
        var flushed = workload.History.FlushedAt(position);
        foreach (var happened in recorder.Events)
        {
            happened.ApplyTo(image, logs);
            if (happened.ChangesImage) unsynced.Add(happened);
            States++;
            using (var open = Open(image.Fork(), logs.Fork(), Boot, where))
                RequireContent(open, floors, position, SizeRule.Acknowledged, () => $"{where()}, killed again after {happened} of the replay");
            for (var cut = 0; cut < 4; cut++)
            {
                var state = durable.Fork();
                var likely = random.Next(1, 5);
                foreach (var change in unsynced)
                    if (random.Next(5) < likely) change.ApplyTo(state, logs);
                States++;
                string Where() => $"{where()}, power cut in the replay before {happened}";
                RequireSound(state, CheckOutcome.Leaks, Where);
                using var open = Open(state, new StateFolder(), NextBoot, Where);
                RequireContent(open, flushed, position, SizeRule.Flushed, Where);
            }
            if (happened.Kind != CrashEventKind.Sync) continue;
            foreach (var change in unsynced) change.ApplyTo(durable, logs);
            unsynced.Clear();
        }
    }

    private (PagedDisk Durable, List<CrashEvent> Unsynced) DurableAt(int position)
    {
        var durable = workload.Recorder.Initial.Fork();
        var unsynced = new List<CrashEvent>();
        foreach (var happened in workload.Recorder.Events.Take(position))
        {
            if (happened.ChangesImage) unsynced.Add(happened);
            if (happened.Kind != CrashEventKind.Sync) continue;
            foreach (var change in unsynced) change.ApplyTo(durable, null!);
            unsynced.Clear();
        }
        return (durable, unsynced);
    }

    private PendingLogs LogsIn(IPendingFolder folder, BootId boot) => new(folder, boot) { LogBytes = workload.LogBytes };

    private Qcow2Image Open(PagedDisk disk, StateFolder folder, BootId boot, Func<string> where)
    {
        try
        {
            return new CrashFiles(disk, workload.Start.Bases).OpenImage(LogsIn(folder, boot));
        }
        catch (Exception exception) when (exception is Qcow2FormatException or ImageFaultException)
        {
            throw new CrashFinding($"{where()}: the image does not open for writing: {exception.Message}", exception);
        }
    }

    private void RequireSound(PagedDisk disk, CheckOutcome worst, Func<string> where)
    {
        // Steps that only fill the log leave the image as it was.
        if (worst == CheckOutcome.Leaks && !_sound.Add(disk.Hash)) return;
        var report = ImageChecker.Check(disk);
        if (report.Outcome > worst) throw new CrashFinding($"{where()}: the check says {report.Outcome}: {report.Obstacle} {string.Join("; ", report.Findings.Take(5))}");
    }

    private void RequireContent(IImageLayer image, int[] floors, int position, SizeRule rule, Func<string> where)
    {
        var sectors = (int)(image.Length / DiskHistory.SectorBytes);
        var least = workload.Sizes.Last(size => size.Position <= position && size.IsAcknowledged).Sectors;
        var most = workload.Sizes.Last(size => size.Position <= position).Sectors;
        if (sectors < least || sectors > Math.Max(least, most)) throw new CrashFinding($"{where()}: the disk has {sectors} sectors, not {least} to {most} ({rule})");
        // What no request has touched is looked at now and then.
        if (random.Next(32) == 0) RequireContent(image, floors, 0, sectors, where);
        else foreach (var (first, count) in _touched) RequireContent(image, floors, first, Math.Min(count, sectors - first), where);
    }

    private void RequireContent(IImageLayer image, int[] floors, int first, int count, Func<string> where)
    {
        for (int end = first + count, atOnce = _buffer.Length / DiskHistory.SectorBytes; first < end; first += atOnce)
        {
            count = Math.Min(atOnce, end - first);
            image.Read((long)first * DiskHistory.SectorBytes, _buffer.AsSpan(0, count * DiskHistory.SectorBytes));
            for (var index = 0; index < count; index++)
                if (workload.History.Judge(first + index, _buffer.AsSpan(index * DiskHistory.SectorBytes, DiskHistory.SectorBytes), floors[first + index]) is { } wrong)
                    throw new CrashFinding($"{where()}: {wrong}");
        }
    }

    private string Describe(int[] writes) =>
        string.Join(", ", writes.Select(index => $"{index}: {workload.Recorder.Events[index]}").TakeLast(40));

    // One that was made and has no header yet goes with the next start of the daemon.
    private static bool IsLog(PagedDisk file)
    {
        var block = new byte[PendingLogHeader.BlockBytes];
        file.Read(0, block);
        return PendingLogHeader.TryParse(block) is not null;
    }

    private static ulong AutoclearOf(PagedDisk disk) => ImageHeader.ReadFrom(disk).Autoclear;

    private static long ImageSize(PagedDisk disk) => ImageHeader.ReadFrom(disk).Size;

    private enum SizeRule
    {
        Flushed,
        Acknowledged,
    }
}
