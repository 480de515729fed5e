using System.Net;
using Weft.Kernel;
using Weft.Kernel.Conntrack;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Connections;

/// <summary>
/// Makes the kernel forget connections that outlived what they were tracked for: UDP flows that are translated to a backend which its Service
/// no longer has (UDP has no end, so a client that goes on sending would stay with it), and everything of a pod that has gone, whose address
/// another pod may get. It compares one pass with the next; what it cannot delete it tries again.
/// </summary>
public sealed class ConnectionReconciler(IConntrack conntrack) : IReconciler
{
    private readonly HashSet<Translation> _staleTranslations = [];
    private readonly HashSet<IPAddress> _stalePods = [];
    private HashSet<Translation> _translations = [];
    private HashSet<IPAddress> _pods = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step != ApplyStep.ForgetConnections)
            return;
        var translations = Translations(desired.Nft);
        var pods = Pods(desired.Routing);
        Note(_staleTranslations, _translations, translations);
        Note(_stalePods, _pods, pods);
        (_translations, _pods) = (translations, pods);
        if (_staleTranslations.Count == 0 && _stalePods.Count == 0)
            return;
        try
        {
            report.CountWrites(conntrack.Delete(IsStale));
            _staleTranslations.Clear();
            _stalePods.Clear();
        }
        catch (KernelException e)
        {
            report.Fail("tracked connections of removed pods and backends", e);
        }
    }

    /// <summary>UDP elements of every map from a Service's address and port to a backend's.</summary>
    internal static HashSet<Translation> Translations(NftTable table)
    {
        var translations = new HashSet<Translation>();
        foreach (var map in table.Sets)
        {
            if (!map.Key.Contains(NftType.InetProto) || map.Data.Count != 2 || map.Data[1] != NftType.InetService)
                continue;
            foreach (var element in map.Elements)
            {
                if (Read(element) is { } translation)
                    translations.Add(translation);
            }
        }
        return translations;
    }

    private static Translation? Read(NftElement element)
    {
        IPAddress? service = null;
        long? port = null;
        var udp = false;
        foreach (var value in element.Key)
        {
            switch (value)
            {
                case NftAddress address:
                    service = address.Address;
                    break;
                case NftProtocol protocol:
                    udp = protocol.Number == (byte)Protocol.Udp;
                    break;
                // The first number is the port, the second the backend's place in the list, which does not matter here.
                case NftNumber number when port is null:
                    port = number.Number;
                    break;
            }
        }
        return udp && port is not null && element.Data is [NftAddress backend, NftNumber backendPort]
            ? new Translation(service, (ushort)port, backend.Address, (ushort)backendPort.Number)
            : null;
    }

    /// <summary>Addresses that are routed to a pod's link.</summary>
    private static HashSet<IPAddress> Pods(RoutingState routing)
    {
        var links = routing.Links.OfType<VethLink>().Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        return routing.Routes.Where(r => r.Destination.IsHost && links.Contains(r.Link)).Select(r => r.Destination.First).ToHashSet();
    }

    /// <summary>Adds what has gone since the last pass; what is back again is stale no more.</summary>
    private static void Note<T>(HashSet<T> stale, HashSet<T> before, HashSet<T> now)
    {
        stale.UnionWith(before);
        stale.ExceptWith(now);
    }

    private bool IsStale(ConntrackEntry entry)
    {
        var (to, from) = (entry.Original, entry.Reply);
        if (_stalePods.Contains(to.Source) || _stalePods.Contains(to.Destination) || _stalePods.Contains(from.Source))
            return true;
        return to.Protocol == (byte)Protocol.Udp
            && (_staleTranslations.Contains(new Translation(to.Destination, to.DestinationPort, from.Source, from.SourcePort))
                || !to.Destination.Equals(from.Source) && _staleTranslations.Contains(new Translation(null, to.DestinationPort, from.Source, from.SourcePort)));
    }

    /// <summary>A Service's address (null for a node port, which is any of the node's) and port, and the backend behind it.</summary>
    internal readonly record struct Translation(IPAddress? Service, ushort Port, IPAddress Backend, ushort BackendPort);
}
