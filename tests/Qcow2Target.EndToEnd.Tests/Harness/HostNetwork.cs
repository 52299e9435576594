using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>Which addresses this host can be reached at by itself.</summary>
internal static class HostNetwork
{
    public static bool HasIPv6 { get; } = Socket.OSSupportsIPv6 && CanListen(IPAddress.IPv6Loopback);

    /// <summary>An address of an interface, with its zone; null: none has one.</summary>
    public static IPAddress? LinkLocal { get; } = NetworkInterface.GetAllNetworkInterfaces()
        .Where(one => one.OperationalStatus == OperationalStatus.Up)
        .SelectMany(one => one.GetIPProperties().UnicastAddresses)
        .Select(one => one.Address)
        .FirstOrDefault(address => address.IsIPv6LinkLocal && CanListen(address));

    private static bool CanListen(IPAddress address)
    {
        try
        {
            using Socket probe = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
