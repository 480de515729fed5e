using System.Net;
using Weft.Kernel;
using Weft.Kernel.Conntrack;
using Weft.Model;
using Weft.Model.HostPorts;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Connections;

/// <summary>
/// Makes the kernel forget connections that outlived what they were tracked for: UDP flows that are translated to a backend which its Service
/// no longer has (UDP has no end, so a client that goes on sending would stay with it), UDP and SCTP flows of a host port that has gone, flows
/// that began untranslated before there was a host port for them, and everything of a pod that has gone, whose address another pod may get. It
/// compares one pass with the next; what it cannot delete it tries again.
///
/// The kernel lists connections by walking its whole hash table, which takes milliseconds however few there are. Pods that have gone are therefore
/// taken together, a second's worth at a time, unless the address of one is in use again: nobody else has it before.
/// </summary>
/// <param name="gathering">How long pods that have gone are gathered.</param>
public sealed class ConnectionReconciler(IConntrack conntrack, TimeProvider time, TimeSpan gathering) : IReconciler
{
    public static readonly TimeSpan DefaultGathering = TimeSpan.FromSeconds(1);

    private readonly HashSet<Translation> _staleTranslations = [];
    private readonly HashSet<Translation> _newHostPorts = [];
    private readonly HashSet<IPAddress> _stalePods = [];
    private HashSet<Translation>? _translations;
    private HashSet<Route> _routes = [];
    private long? _deleted;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step != ApplyStep.ForgetConnections)
            return;
        var translations = Translations(desired.Nft);
        // The same routes, by identity, are the same pods: on a full node that is quicker told than their addresses.
        var routes = new HashSet<Route>(desired.Routing.Routes, ReferenceEqualityComparer.Instance);
        var pods = _stalePods.Count == 0 && routes.IsSupersetOf(_routes) ? null : Pods(desired.Routing.Routes);
        Note(_staleTranslations, _translations ?? [], translations);
        if (pods is not null)
        {
            var gone = Pods(_routes);
            gone.ExceptWith(pods);
            _stalePods.UnionWith(gone);
        }
        // After a restart all are new to this agent, but none to the kernel.
        if (_translations is not null)
            _newHostPorts.UnionWith(translations.Where(t => t.HostPort && !_translations.Contains(t)));
        _newHostPorts.IntersectWith(translations);
        (_translations, _routes) = (translations, routes);
        if (_staleTranslations.Count == 0 && _newHostPorts.Count == 0)
        {
            if (_stalePods.Count == 0)
                return;
            var left = _deleted is { } last ? gathering - time.GetElapsedTime(last) : TimeSpan.Zero;
            if (left > TimeSpan.Zero && !_stalePods.Overlaps(pods!))
            {
                report.ContinueIn(left);
                return;
            }
        }
        try
        {
            report.CountWrites(conntrack.Delete(IsStale));
            _deleted = time.GetTimestamp();
            _staleTranslations.Clear();
            _stalePods.Clear();
            _newHostPorts.Clear();
        }
        catch (KernelException e)
        {
            report.Fail("tracked connections of pods, backends and host ports", e);
        }
    }

    /// <summary>UDP elements of every map from a Service's address and port to a backend's, and UDP and SCTP elements of host ports.</summary>
    internal static HashSet<Translation> Translations(NftTable table)
    {
        var translations = new HashSet<Translation>();
        foreach (var map in table.Sets)
        {
            if (!map.Key.Contains(NftType.InetProto) || map.Data.Count != 2 || map.Data[1] != NftType.InetService)
                continue;
            foreach (var element in map.Elements)
            {
                if (Read(element, map.Name.StartsWith(HostPortMaps.Prefix, StringComparison.Ordinal)) is { } translation)
                    translations.Add(translation);
            }
        }
        return translations;
    }

    private static Translation? Read(NftElement element, bool hostPort)
    {
        IPAddress? service = null;
        long? port = null;
        byte transport = 0;
        foreach (var value in element.Key)
        {
            switch (value)
            {
                case NftAddress address:
                    service = address.Address;
                    break;
                case NftProtocol protocol:
                    transport = protocol.Number;
                    break;
                // The first number is the port, the second the backend's place in the list, which does not matter here.
                case NftNumber number when port is null:
                    port = number.Number;
                    break;
            }
        }
        // A Service's SCTP associations end by themselves, and may outlive an endpoint that is only not ready.
        var endless = transport == (byte)Protocol.Udp || hostPort && transport == (byte)Protocol.Sctp;
        return endless && port is not null && element.Data is [NftAddress backend, NftNumber backendPort]
            ? new Translation(transport, service, (ushort)port, backend.Address, (ushort)backendPort.Number, hostPort)
            : null;
    }

    /// <summary>Addresses that are routed to a pod's link; those of other nodes have a gateway.</summary>
    private static HashSet<IPAddress> Pods(IEnumerable<Route> routes) =>
        routes.Where(r => r.Destination.IsHost && r.Gateway is null).Select(r => r.Destination.First).ToHashSet();

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
        if (to.Protocol is not ((byte)Protocol.Udp or (byte)Protocol.Sctp))
            return false;
        return Matches(_staleTranslations, to, from.Source, from.SourcePort)
            || IsUntranslated(entry) && _newHostPorts.Any(t =>
                t.Protocol == to.Protocol && t.Port == to.DestinationPort && (t.Service is null || t.Service.Equals(to.Destination)));
    }

    private static bool Matches(HashSet<Translation> translations, ConntrackFlow to, IPAddress backend, ushort backendPort)
    {
        foreach (var hostPort in (ReadOnlySpan<bool>)[false, true])
        {
            if (translations.Contains(new Translation(to.Protocol, to.Destination, to.DestinationPort, backend, backendPort, hostPort))
                || !to.Destination.Equals(backend) && translations.Contains(new Translation(to.Protocol, null, to.DestinationPort, backend, backendPort, hostPort)))
                return true;
        }
        return false;
    }

    /// <summary>One that is translated nowhere loses nothing when its next packet is judged anew.</summary>
    private static bool IsUntranslated(ConntrackEntry entry) =>
        entry.Original.Destination.Equals(entry.Reply.Source) && entry.Original.Source.Equals(entry.Reply.Destination);

    /// <summary>A Service's address (null for a node or host port, which is any of the node's) and port, and the backend behind it.</summary>
    internal readonly record struct Translation(byte Protocol, IPAddress? Service, ushort Port, IPAddress Backend, ushort BackendPort, bool HostPort);
}
