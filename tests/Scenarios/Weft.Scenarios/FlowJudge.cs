using System.Net;
using System.Net.Sockets;
using Weft.Compile.Tracing;
using Weft.Model;
using Weft.Model.Services;

namespace Weft.Scenarios;

/// <summary>Judges flows on the tracer.</summary>
public sealed class FlowJudge(ScenarioCluster cluster)
{
    private readonly ClusterTracer _tracer = cluster.Tracer();

    /// <summary>Null when the tracer sees what the line says, otherwise what it saw instead.</summary>
    public string? Judge(Flow flow)
    {
        var result = Trace(flow);
        var wanted = flow.Verdict switch
        {
            FlowVerdict.Allow => TraceVerdict.Delivered,
            FlowVerdict.Deny => TraceVerdict.Dropped,
            FlowVerdict.Reject => TraceVerdict.Rejected,
            _ => TraceVerdict.Unroutable,
        };
        if (result.Verdict != wanted)
            return $"line {flow.Line}, '{flow.Text}': traced {result}";
        if (flow.Verdict != FlowVerdict.Allow)
            return null;
        if (flow.SourceSeen is { } source && result.Outcomes.FirstOrDefault(o => !IsSeen(flow, source, o.Source)) is { } other)
            return $"line {flow.Line}, '{flow.Text}': the server sees {other.Source}";
        var expected = flow.To is FlowEnd.Pod pod ? [pod.Key] : flow.Backends;
        if (expected.Count > 0)
        {
            var reached = result.Targets.Select(t => t.Name).Order(StringComparer.Ordinal).ToList();
            if (!reached.SequenceEqual(expected.Select(k => k.ToString()).Order(StringComparer.Ordinal)))
                return $"line {flow.Line}, '{flow.Text}': reaches {string.Join(", ", reached)}";
        }
        return null;
    }

    public TraceResult Trace(Flow flow)
    {
        TraceOrigin origin = flow.From switch
        {
            FlowEnd.Pod pod => new TraceOrigin.Pod(pod.Key),
            FlowEnd.Node node => new TraceOrigin.Node(node.Name),
            FlowEnd.Outside => new TraceOrigin.Outside(ScenarioCluster.Outside(flow.IPv6), flow.Via),
            _ => throw new FormatException($"line {flow.Line}: a connection begins at a pod, a node or outside, not at '{flow.From}'"),
        };
        var protocol = flow.IsPing && flow.IPv6 ? (byte)58 : flow.Protocol;
        return new TraceResult([.. Destinations(flow).SelectMany(d => _tracer.Trace(origin, d, protocol, flow.Port).Outcomes)]);
    }

    /// <summary>The addresses that a client may connect to: one, except for a headless Service, whose name gives those of its pods.</summary>
    private List<IPAddress> Destinations(Flow flow)
    {
        IEnumerable<IPAddress> addresses = flow.To switch
        {
            FlowEnd.Pod pod => Find(cluster.Snapshot.Workloads.GetValueOrDefault(pod.Key), flow).Addresses,
            FlowEnd.Node node => Find(cluster.Snapshot.Nodes.GetValueOrDefault(node.Name), flow).Addresses,
            FlowEnd.Outside => [ScenarioCluster.Outside(flow.IPv6)],
            FlowEnd.Dns => cluster.DnsAddresses,
            FlowEnd.Address address => [address.Value],
            FlowEnd.Service service => OfService(Find(cluster.Snapshot.Services.GetValueOrDefault(service.Key), flow)),
            _ => [],
        };
        var ofFamily = addresses.Where(a => (a.AddressFamily == AddressFamily.InterNetworkV6) == flow.IPv6).ToList();
        if (ofFamily.Count == 0)
            throw new FormatException($"line {flow.Line}, '{flow.Text}': the target has no {(flow.IPv6 ? "IPv6" : "IPv4")} address");
        return flow.To is FlowEnd.Service ? ofFamily : ofFamily[..1];
    }

    private IEnumerable<IPAddress> OfService(Service service) => service.Headless
        ? cluster.Snapshot.EndpointSlices.Values
            .Where(s => s.Key.Namespace == service.Key.Namespace && s.Service == service.Key.Name)
            .SelectMany(s => s.Endpoints)
            .Where(e => e.Ready || service.PublishNotReadyAddresses)
            .SelectMany(e => e.Addresses)
            .Distinct()
        : service.ClusterIPs;

    private bool IsSeen(Flow flow, string expected, IPAddress seen)
    {
        if (expected == "pod")
            return flow.From is FlowEnd.Pod pod && cluster.Snapshot.Workloads[pod.Key].Addresses.Contains(seen);
        if (expected == "outside")
            return ScenarioCluster.Outside(flow.IPv6).Equals(seen);
        if (expected.StartsWith("node/", StringComparison.Ordinal))
        {
            // A node is seen with its underlay address, or from inside the tunnel with its address there.
            var node = Find(cluster.Snapshot.Nodes.GetValueOrDefault(expected[5..]), flow);
            return node.Addresses.Contains(seen) || node.PodCidrs.Any(c => c.First.Equals(seen));
        }
        return IPAddress.Parse(expected).Equals(seen);
    }

    private static T Find<T>(T? found, Flow flow)
        where T : class => found ?? throw new FormatException($"line {flow.Line}, '{flow.Text}': the cluster has no such object");
}
