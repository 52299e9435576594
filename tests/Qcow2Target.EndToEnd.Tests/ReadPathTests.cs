using System.Globalization;
using System.Text.RegularExpressions;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// Looks at the system calls of the daemon while one session reads cached 4 KiB blocks: each read costs one receive, one read of the
/// file and one send, all on one thread that wakes no other. A pool hop, a mailbox or a second thread would show as a futex or as calls
/// of another thread.
/// </summary>
[Collection(HeavyCollection.Name)]
public sealed partial class ReadPathTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:read-path";
    private const int Reads = 500, WarmUp = 3000, BlockBytes = 4096;

    [Fact]
    public async Task A_cached_read_is_one_receive_one_file_read_and_one_send_on_one_thread()
    {
        using TempDirectory folder = new();
        string trace = folder["trace"];
        string[] strace =
        [
            "strace", "-D", "-f", "--seccomp-bpf", "-ttt", "-T", "-s", "0", "-o", trace, "-e",
            "trace=recvfrom,recvmsg,read,readv,sendto,sendmsg,write,writev,pread64,preadv,preadv2,pwrite64,pwritev,pwritev2,futex,ppoll,poll,epoll_wait,epoll_pwait",
        ];
        // strace -D: the daemon stays our own child, the tracer stands beside it.
        double begin, end;
        await using (DaemonProcess daemon = await DaemonProcess.StartAsync(output, wrapper: strace))
        {
            MakeCachedDisk(daemon.Disk("disk.qcow2"));
            await daemon.AddTargetAsync(Target);
            await daemon.AttachAsync(Target, "disk.qcow2");
            using ScriptedSession session = await ScriptedSession.LoginAsync(daemon.Portal, new SessionOptions { TargetName = Target });
            await session.TestUnitReadyAsync();
            await ReadAsync(session, WarmUp);
            begin = Now();
            await ReadAsync(session, Reads);
            end = Now();
            string process = $"{daemon.ProcessId} ";
            await daemon.StopAsync();
            bool HasEnded(string line) => line.StartsWith(process, StringComparison.Ordinal) && line.EndsWith("+++ exited with 0 +++", StringComparison.Ordinal);
            await Eventually.That(() => File.ReadLines(trace).Any(HasEnded), TimeSpan.FromSeconds(10), "strace has written its last line");
        }
        SystemCall[] calls = [.. Parse(File.ReadLines(trace)).Where(call => call.At >= begin && call.At <= end)];
        Judge(calls);
    }

    private void Judge(SystemCall[] calls)
    {
        foreach (var group in calls.GroupBy(call => (call.Thread, call.Name)).OrderByDescending(group => group.Count()))
            output.WriteLine($"thread {group.Key.Thread}: {group.Count()} {group.Key.Name}, {group.Count(call => call.Result >= 0)} with a result");

        SystemCall[] fileReads = [.. calls.Where(call => call.Name is "pread64" or "preadv" or "preadv2" && call.Result == BlockBytes)];
        Assert.Equal(Reads, fileReads.Length);
        int thread = Assert.Single(fileReads.Select(call => call.Thread).Distinct());
        SystemCall[] ours = [.. calls.Where(call => call.Thread == thread)];
        Assert.Equal(Reads, ours.Count(call => call.Name is "recvfrom" or "recvmsg" && call.Result == RawPdu.HeaderLength));
        Assert.Equal(Reads, ours.Count(call => call.Name is "sendto" or "sendmsg" && call.Result == RawPdu.HeaderLength + BlockBytes));
        Assert.DoesNotContain(ours, call => call.Name is "write" or "writev");
        // Nobody else is woken either, such as a socket engine that still watches the connection.
        Assert.InRange(calls.Count(call => call.Thread != thread), 0, Reads / 10);
        // The runtime itself may stop the thread now and then; handing reads over would do so for each of them.
        Assert.InRange(ours.Count(call => call.Name == "futex"), 0, Reads / 100);
    }

    private static async Task ReadAsync(ScriptedSession session, int count)
    {
        for (int i = 0; i < count; i++)
        {
            RawPdu command = new(Opcodes.ScsiCommand, 0x80 | 0x40 | 0x01) { TaskTag = session.NewTag() };
            command[20] = BlockBytes;
            Cdb.Read16(i % 2048 * 8, new byte[BlockBytes]).Cdb.CopyTo(command.Header[32..]);
            await session.SendAsync(command);
            RawPdu data = await session.ReceiveAsync(Opcodes.DataIn);
            Assert.Equal(BlockBytes, data.Data.Length);
            Assert.Equal(0x81, data.Flags);
        }
    }

    private static void MakeCachedDisk(string path)
    {
        QemuImg.Create(path, 16 << 20);
        QemuImg.Io(path, "write -P 3 0 16M").EnsureSuccess();
        File.ReadAllBytes(path);
    }

    private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;

    /// <summary>
    /// Lines of <c>strace -f -ttt -T</c>. A call counts at its end: the receive that was waiting when the reads began has received the
    /// first of them. The first half of a line that another thread's line has cut says nothing yet.
    /// </summary>
    private static IEnumerable<SystemCall> Parse(IEnumerable<string> lines)
    {
        foreach (Match line in lines.Select(line => Line().Match(line)).Where(line => line.Success))
        {
            double at = double.Parse(line.Groups["at"].Value, CultureInfo.InvariantCulture);
            if (line.Groups["whole"].Success) at += double.Parse(line.Groups["spent"].Value, CultureInfo.InvariantCulture);
            yield return new SystemCall(
                int.Parse(line.Groups["thread"].Value, CultureInfo.InvariantCulture),
                at,
                line.Groups["whole"].Success ? line.Groups["whole"].Value : line.Groups["resumed"].Value,
                int.Parse(line.Groups["result"].Value, CultureInfo.InvariantCulture));
        }
    }

    [GeneratedRegex(@"^(?<thread>\d+) +(?<at>\d+\.\d+) (?:<\.\.\. (?<resumed>\w+) resumed>|(?<whole>\w+)\().* = (?<result>-?\d+)[^<=]*<(?<spent>\d+\.\d+)>$")]
    private static partial Regex Line();

    private sealed record SystemCall(int Thread, double At, string Name, int Result);
}
