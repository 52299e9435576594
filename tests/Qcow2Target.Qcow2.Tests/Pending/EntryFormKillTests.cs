using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Pending;

/// <summary>Kills of images whose entries are not the common ones: two words long, or pointing into a data file.</summary>
[Trait("Length", "Long")]
public sealed class EntryFormKillTests(ITestOutputHelper output)
{
    private const int Size = 2 << 20;

    [Theory]
    [InlineData("extended_l2=on,cluster_size=16k", PendingFinding.Replayed)]
    [InlineData("extended_l2=on,cluster_size=64k,preallocation=metadata", PendingFinding.Replayed)]
    [InlineData("data_file=data", PendingFinding.None)]
    [InlineData("data_file=data,extended_l2=on", PendingFinding.None)]
    [InlineData("data_file=data,data_file_raw=on", PendingFinding.None)]
    public void A_kill_loses_no_completed_request(string options, PendingFinding finding)
    {
        var random = new RandomSource(output.WriteLine);
        using var directory = new TempDirectory();
        Shell(directory, $"qemu-img create -q -f qcow2 -o {options} t {Size}");
        var files = new Dictionary<string, MemoryBlockFile> { ["t"] = MemoryBlockFile.LoadFrom(directory["t"]) };
        if (options.StartsWith("data_file", StringComparison.Ordinal)) files["data"] = MemoryBlockFile.LoadFrom(directory["data"]);
        var folder = new MemoryPendingFolder();
        var model = new byte[Size];
        for (var life = 0; life < 4; life++)
        {
            var driver = Images(files, folder).Drive("t", random);
            Assert.Equal(life == 0 ? PendingFinding.None : finding, driver.Image.Info.Pending.Finding);
            Workload.AssertSame(model, TestImages.ReadAll(driver.Image));
            for (var request = 0; request < 60; request++) One(driver, model, random);
            // Killed: what was written is all there is, and nobody closes anything.
            foreach (var name in files.Keys.ToArray()) files[name] = files[name].Copy();
            folder = folder.Copy();
        }
        var last = Images(files, folder).Drive("t");
        last.Close();
        foreach (var (name, file) in files) file.SaveTo(directory[name]);
        directory.File("model", model);
        Shell(directory, "qemu-img check -q -f qcow2 t && qemu-img compare -q -f raw -F qcow2 model t");
        if (options.Contains("data_file_raw", StringComparison.Ordinal)) Shell(directory, "cmp model data");
    }

    private static void One(WriterDriver driver, byte[] model, RandomSource random)
    {
        var start = random.Next(Size / 512) * 512;
        var length = Math.Min(512 * random.Next(1, 100), Size - start);
        Outcome outcome;
        switch (random.Next(6))
        {
            case 0:
                outcome = driver.Flush();
                break;
            case 1:
                outcome = driver.Zero(start, length, random.Pick(ZeroSpace.Keep, ZeroSpace.Free));
                model.AsSpan(start, length).Clear();
                break;
            default:
                var data = random.Bytes(length);
                data.CopyTo(model, start);
                if (driver.Image.TryWrite(start, data)) return;
                outcome = driver.Write(start, data);
                break;
        }
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
    }

    private static TestImages Images(Dictionary<string, MemoryBlockFile> files, MemoryPendingFolder folder)
    {
        var images = new TestImages { Pending = new PendingLogs(folder, BootId.Current), Time = new ManualTime(), DataFiles = DataFileUse.Allowed };
        foreach (var (name, file) in files) images.Files[name] = file;
        return images;
    }

    // QEMU looks for the data file in its current directory.
    private static void Shell(TempDirectory directory, string script) => Tool.Run("bash", ["-c", $"set -e; cd {directory.Path}; {script}"]).EnsureSuccess();
}
