using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images in memory, made and opened in a line.</summary>
internal sealed class TestImages
{
    internal CacheBudget Cache { get; init; } = new(1 << 20);

    internal MemoryFiles Files { get; } = new();

    internal DataFileUse DataFiles { get; init; }

    /// <summary>Where pending logs lie; null: images are written without.</summary>
    internal PendingLogs? Pending { get; init; }

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    internal MemoryBlockFile Create(string name, ImageCreateOptions options)
    {
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, options);
        Files[name] = file;
        return file;
    }

    internal Qcow2Image Open(string name, ImageAccess access = ImageAccess.ReadWrite, PendingRule rule = PendingRule.Keep, TimeSpan? scanTime = null) => Qcow2Image.Open(new ImageOpenOptions
    {
        Path = name,
        Access = access,
        Files = Files,
        Backings = new BackingImages(Files, Cache, Pending),
        Cache = Cache,
        DataFiles = DataFiles,
        Time = Time,
        Pending = rule,
        ScanTime = scanTime ?? Timeout.InfiniteTimeSpan,
    });

    /// <summary>Opens for writing. A full file system is reported at once.</summary>
    internal WriterDriver Drive(string name, Random? random = null)
    {
        var driver = new WriterDriver(Open(name), random);
        driver.Writer.SpacePatience = TimeSpan.Zero;
        return driver;
    }

    internal static byte[] ReadAll(IImageLayer image)
    {
        var content = new byte[image.Length];
        for (var offset = 0; offset < content.Length; offset += 1 << 20) image.Read(offset, content.AsSpan(offset, Math.Min(1 << 20, content.Length - offset)));
        return content;
    }

    /// <summary>What qemu-img says of a file, with its words on failure.</summary>
    internal static void AssertChecked(MemoryBlockFile file, params CheckVerdict[] allowed)
    {
        using var directory = new TempDirectory();
        // A check does not read the backing file, but it wants to open it.
        directory.File("base", new byte[512]);
        file.SaveTo(directory["t.qcow2"]);
        AssertChecked(directory["t.qcow2"], allowed);
    }

    internal static void AssertChecked(string path, params CheckVerdict[] allowed)
    {
        var verdict = CheckVerdict.NotChecked;
        var words = "";
        // Not checked: locked, perhaps by a tool that another test has just forked and that has our descriptors until its exec.
        Eventually.Now(() => (verdict = QemuImg.Check(path, out words)) != CheckVerdict.NotChecked || allowed.Contains(verdict));
        Assert.True(allowed.Contains(verdict), words);
    }
}
