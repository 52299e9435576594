using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The writer's part of what the header says of a change to come: autoclear bits go, or the mark of a pending log comes, durably, before the first one.</summary>
internal sealed class AnnouncementDuty
{
    private readonly OpenedFile _opened;
    private readonly Qcow2Layer _layer;
    private readonly LinkJournal _journal;
    private readonly PendingLogs? _logs;
    private readonly bool _keepsWord;

    internal AnnouncementDuty(OpenedFile opened, Qcow2Layer layer, LinkJournal journal, PendingLogs? logs)
    {
        _opened = opened;
        _layer = layer;
        _journal = journal;
        _logs = logs;
        _keepsWord = layer.Header.Autoclear == layer.Header.KeptAutoclear;
        IsMade = _keepsWord && !journal.NeedsLog;
    }

    /// <summary>Mappings may change.</summary>
    internal bool IsMade { get; private set; }

    internal bool IsRunning { get; private set; }

    /// <summary>Clusters may be written in place: a mark announces new mappings, what is written in place does not need one.</summary>
    internal bool AllowsInPlace => _keepsWord || IsMade;

    /// <summary>Why the image is written without a pending log although there is a place for it; null: it is not.</summary>
    internal ImageFault? LogFault { get; private set; }

    /// <summary>The job that makes the announcement; null: it runs already, or is made.</summary>
    internal AnnounceWork? Begin()
    {
        if (IsMade || IsRunning) return null;
        IsRunning = true;
        return new AnnounceWork(_opened, _layer.Header, _layer.Geometry, _journal.NeedsLog ? _logs : null);
    }

    /// <summary>The job has returned. Where it failed it is begun again for the next change.</summary>
    internal void Finish(AnnounceWork work)
    {
        IsRunning = false;
        _journal.Begin(work.Log, work.Fault);
        if (work.Fault is not null) return;
        LogFault = work.LogFault;
        IsMade = true;
    }
}
