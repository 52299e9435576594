using System.CommandLine;
using System.Numerics;
using Newtonsoft.Json;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>create</c>: makes a qcow2 image; the one verb that needs no daemon. Prints nothing, or the image as JSON.</summary>
internal static class CreateCommand
{
    public static Command Create(CommonOptions common, TextWriter output, TextWriter error)
    {
        var path = new Argument<string>("FILE") { Description = "The image to make; it must not be there yet." };
        var size = new Argument<long>("SIZE")
        {
            Description = "Bytes of the disk, or with k, M, G, T, P; that of the backing file if left out.",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = DiskSize.Parse,
        };
        var cluster = new Option<long>("--cluster-size", "-c") { Description = "512 to 2M, a power of two.", HelpName = "SIZE", DefaultValueFactory = _ => 65536, CustomParser = DiskSize.Parse };
        var refcount = new Option<int>("--refcount-bits") { Description = "Width of a refcount: 1, 2, 4, 8, 16, 32 or 64.", HelpName = "BITS", DefaultValueFactory = _ => 16 };
        var extended = new Option<bool>("--extended-l2") { Description = "Sub-clusters: a small write to an overlay copies less. Clusters of 16k or more." };
        var lazy = new Option<bool>("--lazy-refcounts") { Description = "Let other programs write refcounts late, at the price of a repair after a crash." };
        var preallocate = new Option<bool>("--preallocate") { Description = "Make all tables and a place for every cluster now; the file stays sparse." };
        var backing = new Option<string?>("--backing", "-b") { Description = "Backing file, as it is to stand in the image: absolute, or relative to it.", HelpName = "FILE" };
        var format = new Option<string?>("--backing-format", "-F") { Description = "Format of the backing file.", HelpName = "qcow2|raw" };
        var command = new Command("create", "Make a qcow2 image. Needs no daemon.") { path, size, cluster, refcount, extended, lazy, preallocate, backing, format };
        command.SetAction(parsed =>
        {
            var file = parsed.GetRequiredValue(path);
            try
            {
                var options = new ImageCreateOptions
                {
                    VirtualSize = parsed.GetResult(size) is { Tokens.Count: > 0 } ? parsed.GetValue(size) : SizeOfBase(file, parsed.GetValue(backing), parsed.GetValue(format)),
                    ClusterBits = ClusterBits(parsed.GetValue(cluster)),
                    RefcountBits = parsed.GetValue(refcount),
                    L2Form = parsed.GetValue(extended) ? L2Form.Extended : L2Form.Standard,
                    Refcounting = parsed.GetValue(lazy) ? RefcountDuty.Lazy : RefcountDuty.Strict,
                    Preallocation = parsed.GetValue(preallocate) ? Preallocation.Metadata : Preallocation.Off,
                    BackingName = parsed.GetValue(backing),
                    BackingFormat = parsed.GetValue(format),
                };
                NewImageFile.Create(file, options);
                Reply(parsed, "", new { file_path = Path.GetFullPath(file), size_bytes = options.VirtualSize });
                return 0;
            }
            catch (Exception fault) when (fault is ArgumentException or IOException or UnauthorizedAccessException or Qcow2FormatException)
            {
                Reply(parsed, fault.Message, new { });
                error.WriteLine($"{AdminProgram.Name}: cannot make {file}: {fault.Message}");
                return 1;
            }
        });
        return command;

        void Reply(ParseResult parsed, string fault, object result)
        {
            if (parsed.GetValue(common.Json)) output.WriteLine(JsonConvert.SerializeObject(new { error = fault, result }));
        }
    }

    private static long SizeOfBase(string file, string? backing, string? format)
    {
        if (backing is null)
            throw new ArgumentException("say how large it is to be, or name a backing file with --backing");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        return NewImageFile.SizeOfBase(Path.Combine(folder, backing), format ?? throw new ArgumentException("say with --backing-format whether the backing file is qcow2 or raw"));
    }

    private static int ClusterBits(long bytes) =>
        bytes > 0 && BitOperations.IsPow2(bytes) ? BitOperations.Log2((ulong)bytes) : throw new ArgumentException($"a cluster size of {bytes} bytes is not a power of two");
}
