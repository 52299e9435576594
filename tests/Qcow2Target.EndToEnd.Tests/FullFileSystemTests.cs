using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>The file system runs full under an image: writes are held, reads go on, and when there is space again nobody was told anything.</summary>
public sealed class FullFileSystemTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:full";
    private const byte AbortTask = 1, LunReset = 5, FunctionComplete = 0;
    private const int Piece = 64 << 10;

    [MountFact]
    public async Task Writes_are_held_until_there_is_space_or_they_are_aborted()
    {
        using SmallFileSystem files = new(12 << 20);
        QemuImg.Create(files.File("disk.qcow2"), 64 << 20);
        await File.WriteAllBytesAsync(files.File("ballast"), new byte[6 << 20]);
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output, options: ["--disks-root", files.Path]);
        await daemon.AddTargetAsync(Target);
        await daemon.MustAsync("ATTACH", new { target_name = Target, disk_path = files.File("disk.qcow2") });
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(daemon.Portal, new SessionOptions { TargetName = Target });

        // One after the other, until one does not end.
        int written = 0;
        InitiatorTask held;
        while (await EndsAsync(held = session.Start(Cdb.Write16(written * 128, Content(written)))))
        {
            written++;
            Assert.InRange(written, 1, 200);
        }
        byte[] read = new byte[Piece];
        await session.MustAsync(Cdb.Read16(0, read));
        Assert.Equal(Content(0), read);
        await session.MustAsync(Cdb.Write16(0, Content(99)));       // in place

        Assert.Equal(FunctionComplete, await session.ManageAsync(AbortTask, referenced: held).WaitAsync(TimeSpan.FromSeconds(4)));
        InitiatorTask second = session.Start(Cdb.Write16(written * 128, Content(written)));
        Assert.False(await EndsAsync(second));
        Assert.Equal(FunctionComplete, await session.ManageAsync(LunReset).WaitAsync(TimeSpan.FromSeconds(4)));
        await session.TakeUnitAttentionsAsync();

        InitiatorTask third = session.Start(Cdb.Write16(written * 128, Content(written)));
        Assert.False(await EndsAsync(third));
        File.Delete(files.File("ballast"));
        ScsiResult result = await third.Result.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(result.IsGood, result.ToString());
        await session.MustAsync(Cdb.SynchronizeCache16());
        await session.LogoutAsync();
        await daemon.DetachAsync(Target);

        Assert.True(QemuImg.Check(files.File("disk.qcow2"), out string words) == CheckVerdict.Clean, words);
        QemuImg.IoWith(["-r", "-f", "qcow2"], files.File("disk.qcow2"), $"read -P 99 0 {Piece}", $"read -P {written + 1} {written * Piece} {Piece}", $"read -P 2 {Piece} {Piece}").EnsureSuccess();
        await daemon.EndCleanlyAsync();
    }

    private static byte[] Content(int number)
    {
        byte[] bytes = new byte[Piece];
        bytes.AsSpan().Fill((byte)(number == 99 ? 99 : number + 1));
        return bytes;
    }

    private static async Task<bool> EndsAsync(InitiatorTask task)
    {
        try
        {
            ScsiResult result = await task.Result.WaitAsync(TimeSpan.FromMilliseconds(700));
            Assert.True(result.IsGood, result.ToString());
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
