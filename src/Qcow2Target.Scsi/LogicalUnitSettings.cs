using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi;

/// <summary>What a logical unit is made with besides its disk and its identity.</summary>
public sealed record LogicalUnitSettings
{
    /// <summary>Mode parameters at start and after a reset: a write cache, no protection, fixed sense.</summary>
    public ModeParameters Modes { get; init; } = ModeParameters.Default;

    /// <summary>Keeps persistent reservations and ends tasks; null where nothing can be kept, and APTPL is refused.</summary>
    public ILogicalUnitHost? Host { get; init; }

    /// <summary>What the host has kept from before.</summary>
    public PersistentReservations Reservations { get; init; } = PersistentReservations.None;

    /// <summary>Keeps sanitize operations over a loss of power; null where nothing can be kept.</summary>
    public ISanitizeKeeper? SanitizeKeeper { get; init; }

    /// <summary>Whether the medium can be ejected.</summary>
    public MediumKind Medium { get; init; } = MediumKind.Fixed;

    /// <summary>Clock of the waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
