using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Lab.Tests.Replay;

/// <summary>Raw sockets of any IP protocol: .NET opens those of protocols that it has a name for, and SCTP is none of them.</summary>
internal static partial class RawSocket
{
    public const byte Icmp = 1;
    public const byte Udp = 17;
    public const byte IcmpV6 = 58;
    public const byte Sctp = 132;

    private const int InterNetwork = 2;
    private const int InterNetworkV6 = 10;
    private const int Raw = 3;
    private const int CloseOnExec = 0x80000;

    /// <summary>A raw socket in the network namespace of the calling thread.</summary>
    /// <exception cref="SocketException">The kernel refused.</exception>
    public static Socket Open(bool ipv6, byte protocol)
    {
        var descriptor = OpenSocket(ipv6 ? InterNetworkV6 : InterNetwork, Raw | CloseOnExec, protocol);
        return descriptor >= 0 ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) : throw new SocketException(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int domain, int type, int protocol);
}
