using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// Which boot of the host this is, as 32 bits that are never 0. The page cache lives as long as a boot: what a killed process has written is
/// there in the same boot, and means nothing in another.
/// </summary>
/// <param name="Hash">The first bytes of a hash of the kernel's boot id.</param>
public readonly record struct BootId(uint Hash)
{
    private const string KernelFile = "/proc/sys/kernel/random/boot_id";

    private static readonly Lazy<BootId> Booted = new(() => Of(File.ReadAllText(KernelFile).Trim()));

    /// <summary>This boot.</summary>
    public static BootId Current => Booted.Value;

    /// <summary>The boot of an id as the kernel spells it.</summary>
    public static BootId Of(string id)
    {
        var hash = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(id)));
        return new BootId(hash == 0 ? 1 : hash);
    }
}
