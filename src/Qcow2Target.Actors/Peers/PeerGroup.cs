using System.Net;
using System.Net.Sockets;

namespace Qcow2Target.Actors.Peers;

/// <summary>
/// Whose a peer's address is, as far as limits and the log go: an IPv4 address, or the first 64 bits of an IPv6 one, behind which one host may have as many
/// addresses as it likes.
/// </summary>
internal readonly record struct PeerGroup(ulong High, ulong Low)
{
    private const int PrefixBytes = 8;

    public static PeerGroup Of(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        if (!plain.TryWriteBytes(bytes, out _))
            return default;
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? new PeerGroup(0, BitConverter.ToUInt32(bytes))
            : new PeerGroup(BitConverter.ToUInt64(bytes[..PrefixBytes]), ulong.MaxValue);
    }
}
