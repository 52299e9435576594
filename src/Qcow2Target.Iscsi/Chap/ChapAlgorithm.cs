using System.Security.Cryptography;

namespace Qcow2Target.Iscsi.Chap;

/// <summary>Hash of a CHAP exchange, by its number in CHAP_A (RFC 7143 12.1.3), weakest first.</summary>
public enum ChapAlgorithm
{
    Md5 = 5,
    Sha1 = 6,
    Sha256 = 7,
    Sha3 = 8,
}

/// <summary>What the algorithms are.</summary>
internal static class ChapAlgorithms
{
    /// <summary>Hash of all bytes, of the algorithm's own length.</summary>
    public static byte[] Hash(this ChapAlgorithm algorithm, byte[] bytes) => algorithm switch
    {
#pragma warning disable CA5350, CA5351   // The protocol's own algorithms: whoever wants none of them raises the floor.
        ChapAlgorithm.Md5 => MD5.HashData(bytes),
        ChapAlgorithm.Sha1 => SHA1.HashData(bytes),
#pragma warning restore CA5350, CA5351
        ChapAlgorithm.Sha256 => SHA256.HashData(bytes),
        ChapAlgorithm.Sha3 => SHA3_256.HashData(bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, null),
    };

    /// <summary>
    /// The first of the initiator's list that is known here and not below <paramref name="floor"/>; null: there is none. Items are whole numbers:
    /// "56" is neither 5 nor 6.
    /// </summary>
    public static ChapAlgorithm? Choose(string list, ChapAlgorithm floor)
    {
        foreach (var item in list.Split(','))
        {
            ChapAlgorithm? known = item switch
            {
                "5" => ChapAlgorithm.Md5,
                "6" => ChapAlgorithm.Sha1,
                "7" => ChapAlgorithm.Sha256,
                "8" when SHA3_256.IsSupported => ChapAlgorithm.Sha3,
                _ => null,
            };
            if (known >= floor) return known;
        }

        return null;
    }
}
