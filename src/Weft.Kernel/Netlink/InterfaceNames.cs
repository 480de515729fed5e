using System.Runtime.InteropServices;
using System.Text;
using Weft.Kernel.Libc;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Netlink;

/// <summary>
/// Names and indexes of interfaces by ioctl on the netlink socket itself, in its namespace. Unlike RTM_GETLINK this does not wait for the
/// kernel's rtnl lock, which the tearing down of other namespaces may hold for milliseconds (net/core/dev_ioctl.c).
/// </summary>
internal static class InterfaceNames
{
    private const nuint SiocGIfName = 0x8910;
    private const nuint SiocGIfIndex = 0x8933;

    // struct ifreq: the name, then a union whose first member used here is an int.
    private const int IfReqSize = 40;
    private const int NameSize = 16;

    internal static unsafe int? IndexOf(NetlinkSocket socket, string name)
    {
        Span<byte> request = stackalloc byte[IfReqSize];
        request.Clear();
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > LinkMessage.MaxNameLength)
            return null;
        Encoding.UTF8.GetBytes(name, request);
        fixed (byte* p = request)
            return Native.Ioctl(socket.Descriptor, SiocGIfIndex, p) == 0 ? MemoryMarshal.Read<int>(request[NameSize..]) : null;
    }

    internal static unsafe string? NameOf(NetlinkSocket socket, int index)
    {
        if (index <= 0)
            return null;
        Span<byte> request = stackalloc byte[IfReqSize];
        request.Clear();
        MemoryMarshal.Write(request[NameSize..], index);
        fixed (byte* p = request)
        {
            if (Native.Ioctl(socket.Descriptor, SiocGIfName, p) != 0)
                return null;
        }
        var end = request[..NameSize].IndexOf((byte)0);
        return Encoding.UTF8.GetString(request[..(end < 0 ? NameSize : end)]);
    }
}
