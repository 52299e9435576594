using System.Globalization;
using System.Security.Cryptography;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// What ties an image to its pending log: a value of the autoclear word (byte 88 of the header) that whoever else opens the image for writing
/// clears.
/// <code>63..32 hash of the boot id | 31..2 random | 1..0 zero (they have a meaning of their own)</code>
/// </summary>
/// <param name="Word">The autoclear word.</param>
public readonly record struct PendingMark(ulong Word)
{
    private const ulong DefinedBits = 3;

    public BootId Boot => new((uint)(Word >> 32));

    /// <summary>The name by which its log goes.</summary>
    internal string Name => Word.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>A mark that was not there before.</summary>
    internal static PendingMark New(BootId boot) => new(((ulong)boot.Hash << 32) | ((ulong)(uint)RandomNumberGenerator.GetInt32(1, 1 << 30) << 2));

    /// <summary>True if an autoclear word can be a mark: of any boot, or by chance unknown bits of somebody else, which are treated alike.</summary>
    internal static bool TryRead(ulong autoclear, out PendingMark mark)
    {
        mark = new PendingMark(autoclear);
        return (autoclear & DefinedBits) == 0 && autoclear >> 32 != 0;
    }

    public override string ToString() => Name;
}
