using Weft.Kernel.Namespaces;
using Weft.Kernel.Netlink;
using Weft.Kernel.Routing;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Conntrack;

/// <summary>ctnetlink of a real network namespace (net/netfilter/nf_conntrack_netlink.c). Any thread may use it.</summary>
public sealed class NetlinkConntrack : IConntrack
{
    private readonly Lock _gate = new();
    private readonly NetlinkConversation _conversation;

    private NetlinkConntrack(NetlinkSocket socket) => _conversation = new NetlinkConversation(socket);

    /// <exception cref="KernelException">The namespace cannot be entered, or there are no descriptors left.</exception>
    public static NetlinkConntrack Open(NetNamespace network) => new(NetlinkSocket.Open(network, NetlinkSocket.Netfilter));

    public IReadOnlyList<ConntrackEntry> List()
    {
        lock (_gate)
            return [.. Dump().Select(Entry)];
    }

    public int Delete(Func<ConntrackEntry, bool> which)
    {
        var deleted = 0;
        NetlinkResult? failure = null;
        lock (_gate)
        {
            foreach (var message in Dump().Where(m => which(Entry(m))))
            {
                _conversation.Add(ConntrackMessage.TypeDelete, NetlinkFlags.None, message.WriteDelete, result =>
                {
                    if (result.Succeeded)
                        deleted++;
                    // ENOENT: it ended by itself, or another with the same addresses took its place.
                    else if (result.Errno != Errno.ENOENT)
                        failure = result;
                });
            }
            _conversation.Flush();
        }
        return failure is { } f ? throw new KernelException("delete tracked connections", f.Errno, f.Detail) : deleted;
    }

    public void Dispose()
    {
        lock (_gate)
            _conversation.Dispose();
    }

    private static ConntrackEntry Entry(ConntrackMessage message) => new(Flow(message.Original), Flow(message.Reply));

    private static ConntrackFlow Flow(ConntrackTuple t) => new(t.Source, t.Destination, t.Protocol, t.SourcePort, t.DestinationPort);

    private List<ConntrackMessage> Dump()
    {
        var messages = new List<ConntrackMessage>();
        foreach (var family in RouteNetlink.Families)
        {
            var start = messages.Count;
            _conversation.Dump("list tracked connections", ConntrackMessage.TypeGet,
                (ref NetlinkWriter w) => ConntrackMessage.WriteDump(ref w, family),
                payload =>
                {
                    if (ConntrackMessage.Parse(payload) is { } message)
                        messages.Add(message);
                },
                () => messages.RemoveRange(start, messages.Count - start));
        }
        return messages;
    }
}
