using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Server.Options;

namespace Qcow2Target.Server.Hosting;

/// <summary><c>--demo</c> and <c>--share</c>: one disk on one target, without a client of the control socket.</summary>
internal sealed class DemoShare(ServerOptions options, DaemonActors actors)
{
    public const string TargetName = "iqn.2018-05.com.networkoptix:demo";

    private const long DemoBytes = 1L << 30;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <exception cref="StartFailedException">The disk cannot be made or shared.</exception>
    public async Task StartAsync(ActorSystem system, IActorRegistry registry)
    {
        if (options.SharePath is null && !options.Demo)
            return;
        var path = options.SharePath ?? MakeDemoImage();
        var manager = registry.Get<TargetManagerActor>();
        var target = new TargetName(TargetName);
        await Ask(manager, new AddTarget(target), RefusalReason.TargetAlreadyExists).ConfigureAwait(false);
        var list = await Ask(manager, new ListTargets(target), null).ConfigureAwait(false);
        var lun = list is TargetList { Targets: [{ LogicalUnits: [var first, ..] }] }
            ? first.Lun
            : ((DiskAttached)await Ask(manager, new AttachDisk(target, path, null, null), null).ConfigureAwait(false)).Lun;
        Print(path, lun);
    }

    private string MakeDemoImage()
    {
        var path = Path.Combine(Path.GetFullPath(options.DisksRoots[0]), "demo.qcow2");
        if (File.Exists(path))
            return path;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            NewImageFile.Create(path, new ImageCreateOptions { VirtualSize = DemoBytes });
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailedException($"cannot make {path}: {e.Message}", e);
        }
    }

    private static async Task<object> Ask(IActorRef manager, object command, RefusalReason? accepted)
    {
        var answer = await manager.Ask<object>(command, Patience).ConfigureAwait(false);
        if (answer is CommandRefused refused && refused.Reason != accepted)
            throw new StartFailedException($"cannot share the disk: {refused.Subject} {refused.Explanation} ({refused.Reason})");
        return answer;
    }

    private void Print(string path, int lun)
    {
        var port = actors.Portals[0].Port;
        var url = $"iscsi://127.0.0.1:{port}/{TargetName}/{lun}";
        Console.WriteLine($"""

            {path} is shared as {TargetName}, LUN {lun}. Try, in another terminal:

              iscsi-ls -s iscsi://127.0.0.1:{port}
              qemu-img info {url}
              qemu-io -f raw -c 'write -P 7 0 1M' -c 'read -P 7 0 1M' {url}
              sudo iscsiadm -m discovery -t sendtargets -p 127.0.0.1:{port}
              sudo iscsiadm -m node -T {TargetName} -p 127.0.0.1:{port} --login

            Ctrl-C ends the daemon; the disk and what is attached are kept.

            """);
    }
}
