namespace Qcow2Target.Qcow2.Format;

/// <summary>Bits of the incompatible feature word: one that is not known forbids to open.</summary>
[Flags]
public enum IncompatibleFeatures : ulong
{
    None = 0,

    /// <summary>Refcounts may be wrong.</summary>
    Dirty = 1,

    /// <summary>The metadata contradicts itself: never written until repaired.</summary>
    Corrupt = 2,

    /// <summary>Guest data lies in another file.</summary>
    ExternalDataFile = 4,

    /// <summary>The compression type is not deflate.</summary>
    CompressionType = 8,

    /// <summary>16-byte L2 entries with sub-clusters.</summary>
    ExtendedL2 = 16,

    /// <summary>All that have a meaning.</summary>
    Known = Dirty | Corrupt | ExternalDataFile | CompressionType | ExtendedL2,
}

/// <summary>Bits of the autoclear feature word: whoever writes and does not maintain what they stand for clears them first.</summary>
[Flags]
public enum AutoclearFeatures : ulong
{
    None = 0,

    /// <summary>The dirty bitmaps are right.</summary>
    Bitmaps = 1,

    /// <summary>The external data file is a raw image.</summary>
    RawDataFile = 2,
}
