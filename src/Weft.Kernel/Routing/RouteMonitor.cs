using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Weft.Kernel.Libc;
using Weft.Kernel.Netlink;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Routing;

/// <summary>Listens to multicast groups of rtnetlink on a thread of its own.</summary>
internal sealed class RouteMonitor
{
    // RTMGRP_* of include/uapi/linux/rtnetlink.h.
    private const uint GroupLink = 0x1;
    private const uint GroupNeighbor = 0x4;
    private const uint GroupIPv4Address = 0x10;
    private const uint GroupIPv4Route = 0x40;
    private const uint GroupIPv6Address = 0x100;
    private const uint GroupIPv6Route = 0x400;

    private readonly NetlinkSocket _socket;
    private readonly FileHandle _stop;

    internal RouteMonitor(NetlinkSocket sibling, NetlinkTopics topics)
    {
        const int nonBlockingCloseOnExec = 0x80800;
        _stop = FileHandle.Own(Native.EventFd(0, nonBlockingCloseOnExec), "make an eventfd");
        _socket = sibling.OpenSibling(NetlinkSocket.Route, Groups(topics), 4 << 20);
    }

    internal async IAsyncEnumerable<NetlinkEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<NetlinkEvent>(new BoundedChannelOptions(1024) { SingleReader = true, SingleWriter = true });
        var thread = new Thread(() => Listen(channel.Writer)) { IsBackground = true, Name = "rtnetlink monitor" };
        thread.Start();
        try
        {
            while (true)
            {
                try
                {
                    if (!await channel.Reader.WaitToReadAsync(cancellation))
                        yield break;
                }
                catch (OperationCanceledException)
                {
                    yield break;
                }
                while (channel.Reader.TryRead(out var change))
                    yield return change;
            }
        }
        finally
        {
            Stop();
            // The thread may wait for room in the channel; it sees the stop once it has some.
            do
            {
                while (channel.Reader.TryRead(out _)) { }
            }
            while (!thread.Join(TimeSpan.FromMilliseconds(1)));
            _stop.Dispose();
        }
    }

    private static uint Groups(NetlinkTopics topics) =>
        (topics.HasFlag(NetlinkTopics.Links) ? GroupLink : 0)
        | (topics.HasFlag(NetlinkTopics.Addresses) ? GroupIPv4Address | GroupIPv6Address : 0)
        | (topics.HasFlag(NetlinkTopics.Routes) ? GroupIPv4Route | GroupIPv6Route : 0)
        | (topics.HasFlag(NetlinkTopics.Neighbors) ? GroupNeighbor : 0);

    private unsafe void Stop()
    {
        ulong one = 1;
        _ = Native.Write(_stop.Descriptor, (byte*)&one, sizeof(ulong));
    }

    private void Listen(ChannelWriter<NetlinkEvent> events)
    {
        var buffer = new byte[64 * 1024];
        var names = new LastKnownNames(_socket);
        try
        {
            while (WaitForInput())
            {
                var size = _socket.Receive(buffer);
                if (size == -(int)Errno.ENOBUFS)
                    Write(events, new EventsLost());
                else if (size < 0)
                    throw new KernelException("receive netlink events", (Errno)(-size));
                else
                    Read(buffer.AsSpan(0, size), names, events);
            }
            events.TryComplete();
        }
        catch (Exception e) when (e is KernelException or NetlinkFormatException)
        {
            events.TryComplete(e);
        }
        finally
        {
            _socket.Dispose();
        }
    }

    /// <returns>False when the reader has gone.</returns>
    private unsafe bool WaitForInput()
    {
        var polled = stackalloc Native.PollFd[2];
        polled[0] = new Native.PollFd { Fd = _stop.Descriptor, Events = Native.POLLIN };
        polled[1] = new Native.PollFd { Fd = _socket.Descriptor, Events = Native.POLLIN };
        while (true)
        {
            _ = Native.Poll(polled, 2, -1);
            if (polled[0].Returned != 0)
                return false;
            if (polled[1].Returned != 0)
                return true;
        }
    }

    private static void Read(ReadOnlySpan<byte> datagram, LastKnownNames names, ChannelWriter<NetlinkEvent> events)
    {
        var reader = new NetlinkReader(datagram);
        while (reader.Read())
        {
            if (Parse(reader.Type, reader.Payload, names) is { } change)
                Write(events, change);
        }
    }

    private static void Write(ChannelWriter<NetlinkEvent> events, NetlinkEvent change)
    {
        // Waiting here leaves the rest in the socket's buffer; when that is full too the kernel says so, and EventsLost follows.
        while (!events.TryWrite(change))
            events.WaitToWriteAsync().AsTask().Wait();
    }

    private static NetlinkEvent? Parse(ushort type, ReadOnlySpan<byte> payload, LastKnownNames names)
    {
        if (payload.IsEmpty)
            return null;
        var inet = NetlinkFamily.AddressLength(payload[0]) is not null;
        switch (type)
        {
            // Of another family are announcements of a bridge about its port, and of IPv6 about its parameters.
            case RouteMessageType.NewLink or RouteMessageType.DeleteLink when payload[0] == NetlinkFamily.Unspecified:
                var link = LinkMessage.Parse(payload);
                if (type == RouteMessageType.NewLink)
                    names.Learn(link.Index, link.Name);
                else
                    names.Forget(link.Index);
                return new LinkChanged(link.Index, link.Name, link.Up, link.LowerUp, type == RouteMessageType.DeleteLink);
            case RouteMessageType.NewAddress or RouteMessageType.DeleteAddress when inet:
                return RouteNetlink.Observe(AddressMessage.Parse(payload), names) is { } address
                    ? new AddressChanged(address.Address, type == RouteMessageType.DeleteAddress)
                    : null;
            case RouteMessageType.NewRoute or RouteMessageType.DeleteRoute when inet:
                return RouteNetlink.Observe(RouteMessage.Parse(payload), names) is { } route
                    ? new RouteChanged(route, type == RouteMessageType.DeleteRoute)
                    : null;
            case RouteMessageType.NewNeighbor or RouteMessageType.DeleteNeighbor:
                return RouteNetlink.Observe(NeighborMessage.Parse(payload), names) is { } neighbor
                    ? new NeighborChanged(neighbor, type == RouteMessageType.DeleteNeighbor)
                    : null;
            default:
                return null;
        }
    }
}
