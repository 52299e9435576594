using System.Globalization;
using System.Text.Json;

namespace Qcow2Target.Testing;

/// <summary>qemu-img and qemu-io as makers and judges of images. Every method throws <see cref="InvalidOperationException"/> with the tool's words when it fails.</summary>
public static class QemuImg
{
    /// <summary>Any qemu-img command; its failure is a result, not an exception.</summary>
    public static ToolResult Run(params string[] arguments) => Tool.Run("qemu-img", arguments);

    /// <summary>Runs qemu-io commands (<c>"write -P 5 0 64k"</c>) on an image; a pattern that does not match gives exit code 1.</summary>
    public static ToolResult Io(string path, params string[] commands) => IoWith(["-f", "qcow2"], path, commands);

    /// <summary>The same with options of qemu-io itself, such as <c>-r</c>, <c>-U</c>, <c>-d unmap</c>; give the format too.</summary>
    public static ToolResult IoWith(string[] options, string path, params string[] commands) =>
        Tool.Run("qemu-io", [.. options, .. commands.SelectMany(command => new[] { "-c", command }), path]);

    /// <summary>Makes a qcow2 image of <paramref name="size"/> bytes with options as <c>-o</c> takes them: <c>"cluster_size=4096"</c>, <c>"compat=0.10"</c>.</summary>
    public static void Create(string path, long size, params string[] options) =>
        Run(["create", "-q", "-f", "qcow2", .. Options(options), path, size.ToString(CultureInfo.InvariantCulture)]).EnsureSuccess();

    /// <summary>Makes an overlay of <paramref name="backing"/> (as spelled there), of its size unless <paramref name="size"/> is given.</summary>
    public static void CreateOverlay(string path, string backing, string backingFormat = "qcow2", long? size = null, params string[] options)
    {
        string[] sizes = size is { } bytes ? [bytes.ToString(CultureInfo.InvariantCulture)] : [];
        Run(["create", "-q", "-f", "qcow2", "-b", backing, "-F", backingFormat, .. Options(options), path, .. sizes]).EnsureSuccess();
    }

    /// <summary>Converts with further arguments before the names (<c>"-c"</c>, <c>"-n"</c>).</summary>
    public static void Convert(string source, string sourceFormat, string target, string targetFormat, params string[] arguments) =>
        Run(["convert", "-f", sourceFormat, "-O", targetFormat, .. arguments, source, target]).EnsureSuccess();

    /// <summary>Checks a qcow2 image that nobody has open.</summary>
    public static CheckVerdict Check(string path) => Check(path, out _);

    /// <param name="words">What it printed, for the message of a test that fails.</param>
    public static CheckVerdict Check(string path, out string words)
    {
        var result = Run("check", "-f", "qcow2", path);
        words = result.ToString();
        return Enum.IsDefined((CheckVerdict)result.ExitCode) ? (CheckVerdict)result.ExitCode : throw new InvalidOperationException(words);
    }

    /// <summary>Whether both read the same; where one is longer its rest must be zeros.</summary>
    public static bool Compare(string first, string firstFormat, string second, string secondFormat)
    {
        var result = Run("compare", "-f", firstFormat, "-F", secondFormat, first, second);
        return result.ExitCode switch
        {
            0 => true,
            1 => false,
            _ => throw new InvalidOperationException(result.ToString()),
        };
    }

    /// <summary><c>info</c> as JSON; without locks, so it works on an image that is served.</summary>
    public static JsonElement Info(string path) => Json("info", "-U", "-f", "qcow2", "--output=json", path);

    /// <summary><c>map</c> as JSON: an array of {start, length, depth, present, zero, data[, offset]}.</summary>
    public static JsonElement Map(string path) => Json("map", "-f", "qcow2", "--output=json", path);

    private static JsonElement Json(params string[] arguments)
    {
        using var document = JsonDocument.Parse(Run(arguments).EnsureSuccess().Output);
        return document.RootElement.Clone();
    }

    private static string[] Options(string[] options) => options.Length == 0 ? [] : ["-o", string.Join(',', options)];
}
