using System.Globalization;
using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A cpio archive of form "newc" with one file, as the Linux kernel takes it behind another initramfs.</summary>
internal static class CpioArchive
{
    private const int Alignment = 4;
    private const string ExecutableFile = "000081ED";

    public static byte[] Of(string name, string content)
    {
        MemoryStream archive = new();
        Add(archive, name, ExecutableFile, Encoding.UTF8.GetBytes(content));
        Add(archive, "TRAILER!!!", "00000000", []);
        return archive.ToArray();
    }

    private static void Add(MemoryStream archive, string name, string mode, byte[] content)
    {
        // inode, mode, uid, gid, links, mtime, size, device (2), its device (2), length of the name with its NUL, checksum
        string[] fields = ["00000001", mode, Hex(0), Hex(0), Hex(1), Hex(0), Hex(content.Length), Hex(0), Hex(0), Hex(0), Hex(0), Hex(name.Length + 1), Hex(0)];
        archive.Write(Encoding.ASCII.GetBytes($"070701{string.Concat(fields)}{name}\0"));
        Align(archive);
        archive.Write(content);
        Align(archive);
    }

    private static string Hex(int value) => value.ToString("X8", CultureInfo.InvariantCulture);

    private static void Align(MemoryStream archive)
    {
        while (archive.Length % Alignment != 0) archive.WriteByte(0);
    }
}
