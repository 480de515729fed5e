using System.Runtime.InteropServices;
using Weft.Kernel.Libc;
using Weft.Kernel.Namespaces;
using Weft.Primitives;

namespace Weft.Kernel.Netlink;

/// <summary>An AF_NETLINK socket. It belongs to the namespace that it was made in, whichever thread uses it later.</summary>
internal sealed class NetlinkSocket : IDisposable
{
    internal const int Route = 0;
    internal const int Netfilter = 12;

    private const int SolNetlink = 270;
    private const int CapAck = 10;
    private const int ExtAck = 11;
    private const int StrictCheck = 12;

    /// <summary>include/uapi/linux/sockios.h: the network namespace of a socket, as a descriptor.</summary>
    private const nuint SiocGSkNs = 0x894c;

    private readonly FileHandle _handle;

    private NetlinkSocket(FileHandle handle) => _handle = handle;

    internal int Descriptor => _handle.Descriptor;

    internal static NetlinkSocket Open(NetNamespace network, int protocol, uint groups = 0, int receiveBuffer = 1 << 20) =>
        network.Run(() => OpenHere(protocol, groups, receiveBuffer));

    /// <summary>Another socket in the same namespace.</summary>
    internal NetlinkSocket OpenSibling(int protocol, uint groups, int receiveBuffer)
    {
        using var network = FileHandle.Own(Native.Ioctl(Descriptor, SiocGSkNs, 0), "find the network namespace of a socket");
        NetlinkSocket? socket = null;
        NamespaceThread.Run(network, () => socket = OpenHere(protocol, groups, receiveBuffer));
        return socket!;
    }

    internal unsafe void Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            if (Native.Send(Descriptor, p, (nuint)bytes.Length, 0) != bytes.Length)
                throw KernelException.Last("send netlink messages");
        }
    }

    /// <summary>Receives one datagram, waiting for it.</summary>
    /// <returns>Bytes received, or the negative of the error number.</returns>
    internal unsafe int Receive(Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            nint size;
            do
                size = Native.Receive(Descriptor, p, (nuint)buffer.Length, Native.MSG_TRUNC);
            while (size < 0 && Marshal.GetLastPInvokeError() == (int)Errno.EINTR);
            if (size < 0)
                return -Marshal.GetLastPInvokeError();
            return size <= buffer.Length ? (int)size : -(int)Errno.EMSGSIZE;
        }
    }

    public void Dispose() => _handle.Dispose();

    private static NetlinkSocket OpenHere(int protocol, uint groups, int receiveBuffer)
    {
        var handle = FileHandle.Own(
            Native.Socket(Native.AF_NETLINK, Native.SOCK_RAW | Native.SOCK_CLOEXEC, protocol), "open a netlink socket");
        try
        {
            var fd = handle.Descriptor;
            // Short acknowledgements with the kernel's words; strict checks make the kernel filter dumps. All are older than Linux 5.
            Set(fd, SolNetlink, CapAck, 1);
            Set(fd, SolNetlink, ExtAck, 1);
            Set(fd, SolNetlink, StrictCheck, 1);
            // FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN.
            if (!Set(fd, Native.SOL_SOCKET, Native.SO_RCVBUFFORCE, receiveBuffer))
                Set(fd, Native.SOL_SOCKET, Native.SO_RCVBUF, receiveBuffer);
            if (!Set(fd, Native.SOL_SOCKET, Native.SO_SNDBUFFORCE, receiveBuffer))
                Set(fd, Native.SOL_SOCKET, Native.SO_SNDBUF, receiveBuffer);
            var address = new Native.SockaddrNetlink { Family = Native.AF_NETLINK, Groups = groups };
            if (Native.Bind(fd, in address, (uint)Marshal.SizeOf<Native.SockaddrNetlink>()) != 0)
                throw KernelException.Last("bind a netlink socket");
            return new NetlinkSocket(handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static bool Set(int fd, int level, int name, int value) => Native.SetSockOpt(fd, level, name, in value, sizeof(int)) == 0;
}
