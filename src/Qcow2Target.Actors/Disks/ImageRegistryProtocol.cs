using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Disks;

/// <summary>What others may ask of the image registry.</summary>
public interface IImageRegistryCommand;

/// <summary>Open an image and its chain; answered by <see cref="ImageOpened"/> or <see cref="ImageNotOpened"/>.</summary>
/// <param name="Path">As ATTACH gave it.</param>
/// <param name="Access">Whether it is to be written.</param>
/// <param name="Holder">Who will have it, for the message to the next who asks: "LUN 0 of iqn.…".</param>
/// <param name="Pending">What to do where the image lacks writes whose log is not here or does not fit.</param>
/// <param name="Delivery">Where the image goes, so that it is closed again if the asker is gone by then.</param>
public sealed record OpenImage(string Path, ImageAccess Access, string Holder, PendingRule Pending, Handover<ImageLease> Delivery) : IImageRegistryCommand;

/// <summary>The image is in the handover.</summary>
public sealed record ImageOpened(StoredFile File);

public sealed record ImageNotOpened(RefusalReason Reason, string Path, string Explanation);

/// <summary>The image is closed: its name, and that of its data file if it has one, is nobody's any more.</summary>
public sealed record ImageReleased(string Path, string? DataFile, string Holder) : IImageRegistryCommand;
