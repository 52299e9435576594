using System.Security.Cryptography;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>Raw files with content that a test knows.</summary>
internal static class RawImage
{
    /// <summary>A file of random data with holes: about a third of its 64 KiB pieces are left out.</summary>
    public static string Random(string path, long bytes, Random random)
    {
        const int piece = 65536;
        using FileStream file = new(path, FileMode.Create);
        byte[] data = new byte[piece];
        for (long at = 0; at < bytes; at += piece)
        {
            if (random.Next(3) == 0) continue;
            random.NextBytes(data);
            file.Position = at;
            file.Write(data, 0, (int)Math.Min(piece, bytes - at));
        }
        file.SetLength(bytes);
        return path;
    }

    /// <summary>A file of just these bytes.</summary>
    public static string Of(string path, byte[] content)
    {
        File.WriteAllBytes(path, content);
        return path;
    }

    public static string HashOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}
