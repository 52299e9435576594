using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>What a workload begins with.</summary>
internal enum CrashImageKind
{
    SmallClusters,
    MediumClusters,

    /// <summary>Over a raw image that is shorter, clusters of 4 KiB.</summary>
    Overlay,

    /// <summary>Small clusters over a qcow2 overlay over a raw image.</summary>
    Chain,

    /// <summary>A little more, and the refcount table has to move to a larger place.</summary>
    RefcountTableFull,

    /// <summary>An internal snapshot shares tables and clusters.</summary>
    Snapshot,
    Compressed,
    ExtendedL2,
    ExtendedL2Overlay,

    /// <summary>The L1 table has to move when the disk grows.</summary>
    Growing,

    /// <summary>There is no word for a mark: commits come first.</summary>
    Version2,
}

/// <param name="Disk">The image's file.</param>
/// <param name="Bases">Files below it by name.</param>
/// <param name="Sectors">Sectors of the disk.</param>
/// <param name="MaxSectors">Sectors that it may grow to.</param>
/// <param name="Initial">What a sector holds.</param>
internal sealed record CrashImage(PagedDisk Disk, IReadOnlyDictionary<string, MemoryBlockFile> Bases, int Sectors, int MaxSectors, Func<int, ulong> Initial);

/// <summary>Makes the images that workloads begin with, each once.</summary>
internal static class CrashImages
{
    private const int BaseGeneration = 7;
    private static readonly ConcurrentDictionary<CrashImageKind, CrashImage> Made = new();

    internal static CrashImage Get(CrashImageKind kind) => Made.GetOrAdd(kind, Make);

    /// <summary>A state of it costs several times what one of the others does.</summary>
    internal static bool IsLarge(CrashImageKind kind) => kind is CrashImageKind.RefcountTableFull or CrashImageKind.Snapshot or CrashImageKind.Compressed;

    private static CrashImage Make(CrashImageKind kind)
    {
        using var directory = new TempDirectory();
        return kind switch
        {
            CrashImageKind.SmallClusters => Empty(directory, 250, "cluster_size=512"),
            CrashImageKind.MediumClusters => Empty(directory, 1021, "cluster_size=4k"),
            CrashImageKind.Version2 => Empty(directory, 1021, "compat=0.10", "cluster_size=4k"),
            CrashImageKind.ExtendedL2 => Empty(directory, 2048, "extended_l2=on", "cluster_size=16k"),
            CrashImageKind.Overlay => Overlay(directory, 1021, 700, "cluster_size=4k"),
            CrashImageKind.ExtendedL2Overlay => Overlay(directory, 2048, 1500, "extended_l2=on", "cluster_size=16k"),
            CrashImageKind.Chain => Chain(directory),
            CrashImageKind.Compressed => Converted(directory, 1021, ["-c"], "cluster_size=4k"),
            CrashImageKind.Snapshot => Snapshot(directory),
            CrashImageKind.RefcountTableFull => RefcountTableFull(directory),
            CrashImageKind.Growing => Empty(directory, 4000, "cluster_size=512") with { MaxSectors = 4700 },
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    private static CrashImage Empty(TempDirectory directory, int sectors, params string[] options)
    {
        QemuImg.Create(directory["t"], (long)sectors * DiskHistory.SectorBytes, options);
        return Load(directory, sectors, _ => 0);
    }

    private static CrashImage Overlay(TempDirectory directory, int sectors, int baseSectors, params string[] options)
    {
        WriteRaw(directory["base"], baseSectors);
        QemuImg.CreateOverlay(directory["t"], "base", "raw", (long)sectors * DiskHistory.SectorBytes, options);
        return Load(directory, sectors, sector => sector < baseSectors ? BaseStamp(sector) : 0, "base");
    }

    private static CrashImage Chain(TempDirectory directory)
    {
        const int Sectors = 300;
        WriteRaw(directory["base"], Sectors);
        QemuImg.CreateOverlay(directory["middle"], "base", "raw", null, "cluster_size=4k");
        QemuImg.Io(directory["middle"], "write -z 32k 16k").EnsureSuccess();
        QemuImg.CreateOverlay(directory["t"], "middle", "qcow2", null, "cluster_size=512");
        return Load(directory, Sectors, sector => sector is >= 64 and < 96 ? 0 : BaseStamp(sector), "base", "middle");
    }

    private static CrashImage Converted(TempDirectory directory, int sectors, string[] how, params string[] options)
    {
        WriteRaw(directory["raw"], sectors);
        QemuImg.Run(["convert", .. how, "-f", "raw", "-O", "qcow2", .. options.SelectMany(option => new[] { "-o", option }), directory["raw"], directory["t"]]).EnsureSuccess();
        return Load(directory, sectors, BaseStamp);
    }

    private static CrashImage Snapshot(TempDirectory directory)
    {
        Converted(directory, 1000, [], "cluster_size=4k");
        QemuImg.Run(["snapshot", "-c", "before", directory["t"]]).EnsureSuccess();
        return Load(directory, 1000, BaseStamp);
    }

    private static CrashImage RefcountTableFull(TempDirectory directory)
    {
        // Counts of 64 bits: a table of one cluster of 512 bytes reaches 2 MiB.
        const int Sectors = 4300;
        Converted(directory, 3900, [], "cluster_size=512", "refcount_bits=64");
        QemuImg.Run(["resize", "-q", directory["t"], ((long)Sectors * DiskHistory.SectorBytes).ToString(System.Globalization.CultureInfo.InvariantCulture)]).EnsureSuccess();
        return Load(directory, Sectors, sector => sector < 3900 ? BaseStamp(sector) : 0);
    }

    private static CrashImage Load(TempDirectory directory, int sectors, Func<int, ulong> initial, params string[] bases) => new(
        new PagedDisk(MemoryBlockFile.LoadFrom(directory["t"])), bases.ToDictionary(name => name, name => MemoryBlockFile.LoadFrom(directory[name])), sectors, sectors, initial);

    private static ulong BaseStamp(int sector) => DiskHistory.Stamp(sector, BaseGeneration);

    private static void WriteRaw(string path, int sectors)
    {
        using var file = new FileStream(path, FileMode.Create);
        var content = new byte[DiskHistory.SectorBytes];
        for (var sector = 0; sector < sectors; sector++)
        {
            MemoryMarshal.Cast<byte, ulong>(content.AsSpan()).Fill(BaseStamp(sector));
            file.Write(content);
        }
    }
}
