using System.Collections.Immutable;
using System.Net;
using Weft.Compile.Ipam;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Nft;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tracing;

/// <summary>
/// Follows the first packet of a connection through the compiled state of every node, without a kernel: the same rules, routes and
/// neighbors that the reconcilers apply, in the order of the netfilter hooks.
/// </summary>
public sealed class ClusterTracer
{
    /// <summary>IANA's first dynamic port; the tracer's clients send from it.</summary>
    private const int ClientPort = 49152;

    /// <summary>More nodes than a packet passes in any cluster without a loop: client's node, node port's node, backend's node.</summary>
    private const int MaxNodes = 8;

    private readonly Dictionary<string, TracedNode> _nodes;
    private readonly Dictionary<IPAddress, TracedNode> _byUnderlay = [];
    private readonly Dictionary<IPAddress, ObjectKey> _podByAddress = [];
    private readonly ClusterSnapshot _snapshot;

    /// <param name="nodes">Each node's configuration and compiled state, by node name.</param>
    /// <param name="snapshot">The cluster that they were compiled from, for names and node addresses.</param>
    public ClusterTracer(IReadOnlyDictionary<string, (NodeConfig Config, DesiredState State)> nodes, ClusterSnapshot snapshot)
    {
        _snapshot = snapshot;
        _nodes = nodes.ToDictionary(
            n => n.Key,
            n => new TracedNode(EffectiveConfig.Of(n.Value.Config, snapshot), n.Value.State, snapshot.Nodes.GetValueOrDefault(n.Key)?.Addresses ?? []),
            StringComparer.Ordinal);
        foreach (var node in snapshot.Nodes.Values.Where(n => _nodes.ContainsKey(n.Name)))
        {
            foreach (var address in node.Addresses)
                _byUnderlay[address] = _nodes[node.Name];
        }
        foreach (var workload in snapshot.Workloads.Values.Where(w => !w.HostNetwork).OrderBy(w => w.Key))
        {
            foreach (var address in workload.Addresses)
                _podByAddress[address] = workload.Key;
        }
    }

    /// <summary>Compiles every node of the snapshot, with attachments made up from its pods, and traces over the result.</summary>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="config">The configuration of a node, by its name.</param>
    public static ClusterTracer Compile(ClusterSnapshot snapshot, Func<string, NodeConfig> config) => new(
        snapshot.Nodes.Keys.ToDictionary(
            name => name,
            name => (config(name), NodeCompiler.Compile(config(name), SyntheticAttachments.For(snapshot, name))),
            StringComparer.Ordinal),
        snapshot);

    /// <summary>Every way of a connection's first packet.</summary>
    /// <param name="origin">Where the connection begins.</param>
    /// <param name="destination">The address that the client connects to.</param>
    /// <param name="protocol">IP protocol number: <see cref="Protocol"/>, or 1 and 58 for ping.</param>
    /// <param name="port">The port that the client connects to; 0 for ping.</param>
    public TraceResult Trace(TraceOrigin origin, IPAddress destination, byte protocol, int port)
    {
        var walk = new Walk(this, destination, protocol, port);
        walk.Start(origin);
        return new TraceResult(walk.Outcomes.ToEquatableArray());
    }

    public TraceResult Trace(TraceOrigin origin, IPAddress destination, Protocol protocol, int port) =>
        Trace(origin, destination, (byte)protocol, port);

    /// <summary>A translation that connection tracking on a node remembers.</summary>
    private sealed record Translation(TracedNode Node, IPAddress Before, IPAddress After, bool OfSource);

    private sealed record State(TracePacket Packet, ImmutableList<TraceStage> Stages, ImmutableList<Translation> Translations, int Nodes)
    {
        public State With(TracedNode node, string step, HookResult result) => this with
        {
            Packet = result.Packet,
            Stages = result.Causes.IsEmpty ? Stages : Stages.Add(new TraceStage(node.Name, step, result.Packet.ToString(), [.. result.Causes])),
        };

        public State Note(TracedNode node, string step) =>
            this with { Stages = Stages.Add(new TraceStage(node.Name, step, Packet.ToString(), [])) };
    }

    private sealed class Walk(ClusterTracer cluster, IPAddress destination, byte protocol, int port)
    {
        private readonly bool _ipv6 = Family.IsIPv6(destination);
        private IPAddress? _client;

        public List<TraceOutcome> Outcomes { get; } = [];

        public void Start(TraceOrigin origin)
        {
            switch (origin)
            {
                case TraceOrigin.Pod pod when cluster._snapshot.Workloads.GetValueOrDefault(pod.Key) is { } workload:
                    if (workload.HostNetwork)
                        FromNode(workload.NodeName);
                    else
                        FromPod(workload);
                    break;
                case TraceOrigin.Pod pod:
                    Fail($"there is no pod {pod.Key}");
                    break;
                case TraceOrigin.Node node:
                    FromNode(node.Name);
                    break;
                case TraceOrigin.Outside outside:
                    FromOutside(outside);
                    break;
            }
        }

        private void FromPod(Workload pod)
        {
            if (pod.Addresses.FirstOrDefault(a => Family.IsIPv6(a) == _ipv6) is not { } source)
            {
                Fail($"pod {pod.Key} has no {(_ipv6 ? "IPv6" : "IPv4")} address");
                return;
            }
            var state = Begin(source);
            if (source.Equals(destination) || IPAddress.IsLoopback(destination))
                End(state, TraceVerdict.Delivered, new TraceTarget(TraceTargetKind.Pod, pod.Key.ToString()), "");
            else if (cluster._nodes.GetValueOrDefault(pod.NodeName) is not { } node)
                Fail($"pod {pod.Key} is not on a node that is traced");
            else if (node.LinkOf(source) is not { } link)
                Fail($"node {node.Name} has no link for pod {pod.Key}");
            else
                Arrive(node, state, link);
        }

        private void FromNode(string name)
        {
            if (cluster._nodes.GetValueOrDefault(name) is not { } node)
                Fail($"there is no node {name}");
            else if (node.SourceFor(destination) is not { } source)
                Fail($"node {name} has no {(_ipv6 ? "IPv6" : "IPv4")} address to send from");
            else
                Send(node, Begin(source));
        }

        private void FromOutside(TraceOrigin.Outside outside)
        {
            var state = Begin(outside.Address);
            var node = outside.Via is { } via ? cluster._nodes.GetValueOrDefault(via) : cluster._byUnderlay.GetValueOrDefault(destination);
            if (node is null)
                Fail($"the outside network has no route to {destination}");
            else
                Arrive(node, state, node.Config.UnderlayLink);
        }

        private State Begin(IPAddress source)
        {
            _client = source;
            return new State(new TracePacket(source, destination, protocol, ClientPort, port, destination), [], [], 0);
        }

        /// <summary>From a device into a node: prerouting, the route, then input, or forward and postrouting.</summary>
        private void Arrive(TracedNode node, State state, string link)
        {
            if (state.Nodes == MaxNodes)
            {
                End(state, TraceVerdict.Unroutable, null, "the packet goes round in a loop");
                return;
            }
            if (IPAddress.IsLoopback(state.Packet.Destination) && (_ipv6 || !node.RoutesLoopback(link)))
            {
                End(state, TraceVerdict.Unroutable, null, $"{node.Name} takes no packets for {state.Packet.Destination} from {link}");
                return;
            }
            // Marks, and what connection tracking knows, belong to one node.
            var packet = state.Packet with
            {
                InputInterface = link, OutputInterface = "", Mark = 0, Translated = false, OriginalDestination = state.Packet.Destination,
            };
            foreach (var translated in Translate(node, state with { Packet = packet, Nodes = state.Nodes + 1 }, NftHookPoint.Prerouting))
            {
                var (hop, output) = node.Lookup(translated.Packet.Destination);
                if (hop is Hop.Local)
                    Input(node, translated);
                else if (hop is Hop.None none)
                    Filter(node, translated, NftHookPoint.Forward, after => End(after, TraceVerdict.Unroutable, null, none.Why));
                else
                    Forward(node, translated with { Packet = translated.Packet with { OutputInterface = output } }, hop);
            }
        }

        /// <summary>From a local process: output, the route again when the destination changed, postrouting.</summary>
        private void Send(TracedNode node, State state)
        {
            var before = node.Lookup(state.Packet.Destination);
            var first = state with { Packet = state.Packet with { OutputInterface = before.Link }, Nodes = 1 };
            foreach (var translated in Translate(node, first, NftHookPoint.Output))
            {
                Filter(node, translated, NftHookPoint.Output, accepted =>
                {
                    var (hop, output) = node.Lookup(accepted.Packet.Destination);
                    var routed = accepted with { Packet = accepted.Packet with { OutputInterface = output } };
                    if (hop is Hop.None none)
                        End(routed, TraceVerdict.Unroutable, null, none.Why);
                    else if (hop is Hop.Local)
                        Input(node, routed with { Packet = routed.Packet with { InputInterface = "lo" } });
                    else if (IPAddress.IsLoopback(routed.Packet.Source) && (_ipv6 || !node.RoutesLoopback(output)))
                        End(routed, TraceVerdict.Unroutable, null, $"{node.Name} sends nothing from {routed.Packet.Source} out of {output}");
                    else
                        Leave(node, routed, hop);
                });
            }
        }

        private void Forward(TracedNode node, State state, Hop hop) =>
            Filter(node, state, NftHookPoint.Forward, accepted => Leave(node, accepted, hop));

        private void Input(TracedNode node, State state) =>
            Filter(node, state, NftHookPoint.Input, accepted => Delivered(node, accepted, new TraceTarget(TraceTargetKind.Node, node.Name)));

        private void Leave(TracedNode node, State state, Hop hop)
        {
            foreach (var leaving in Translate(node, state, NftHookPoint.Postrouting))
            {
                var to = leaving.Packet.Destination;
                switch (hop)
                {
                    case Hop.Pod pod:
                        var name = cluster._podByAddress.TryGetValue(to, out var key) ? key.ToString() : pod.Link;
                        Delivered(node, leaving.Note(node, $"to {pod.Link}"), new TraceTarget(TraceTargetKind.Pod, name));
                        break;
                    case Hop.Tunnel tunnel when cluster._byUnderlay.GetValueOrDefault(tunnel.Remote) is { } peer:
                        Arrive(peer, leaving.Note(node, $"through the tunnel to {peer.Name}"), WeftNames.VxlanLink);
                        break;
                    case Hop.Tunnel tunnel:
                        End(leaving, TraceVerdict.Unroutable, null, $"no node has the tunnel's address {tunnel.Remote}");
                        break;
                    case Hop.Underlay when cluster._byUnderlay.GetValueOrDefault(to) is { } peer:
                        Arrive(peer, leaving.Note(node, $"on the underlay to {peer.Name}"), peer.Config.UnderlayLink);
                        break;
                    default:
                        Delivered(node, leaving.Note(node, "out of the cluster"), new TraceTarget(TraceTargetKind.Outside, to.ToString()));
                        break;
                }
            }
        }

        /// <summary>The nat chains of a hook. Drop can end a packet here too, when masquerading finds no address.</summary>
        private IEnumerable<State> Translate(TracedNode node, State state, NftHookPoint point)
        {
            var ofSource = point is NftHookPoint.Postrouting or NftHookPoint.Input;
            foreach (var result in node.Rules.Run(point, NftChainType.Nat, state.Packet))
            {
                var after = state.With(node, Step(point), result);
                var (was, became) = ofSource ? (state.Packet.Source, result.Packet.Source) : (state.Packet.Destination, result.Packet.Destination);
                if (!was.Equals(became))
                    after = after with { Translations = after.Translations.Add(new Translation(node, was, became, ofSource)) };
                if (result.Verdict == HookVerdict.Drop)
                    End(after, TraceVerdict.Dropped, null, result.Causes[^1]);
                else
                    yield return after;
            }
        }

        private void Filter(TracedNode node, State state, NftHookPoint point, Action<State> accepted)
        {
            foreach (var result in node.Rules.Run(point, NftChainType.Filter, state.Packet))
            {
                var after = state.With(node, Step(point), result);
                if (result.Verdict is HookVerdict.Drop or HookVerdict.Reject)
                    End(after, result.Verdict == HookVerdict.Drop ? TraceVerdict.Dropped : TraceVerdict.Rejected, null, result.Causes[^1]);
                else
                    accepted(after);
            }
        }

        private void Delivered(TracedNode node, State state, TraceTarget target)
        {
            if (ReplyProblem(node, state, target) is { } problem)
                End(state, TraceVerdict.ReplyLost, target, problem);
            else
                End(state, TraceVerdict.Delivered, target, "");
        }

        /// <summary>
        /// Follows the answer back: from node to node by its routes, each undoing what it had translated. It must reach the client with
        /// nothing left to undo, or the client does not know the connection that it answers.
        /// </summary>
        private string? ReplyProblem(TracedNode last, State state, TraceTarget target)
        {
            var pending = state.Translations.ToList();
            var to = state.Packet.Source;
            var node = target.Kind == TraceTargetKind.Outside ? cluster._byUnderlay.GetValueOrDefault(to) : last;
            if (node is null)
                return $"the outside network has no route back to {to}";
            for (var i = 0; i <= MaxNodes && node is not null; i++)
            {
                for (var at = pending.FindLastIndex(t => t.Node == node); at >= 0; at = pending.FindLastIndex(t => t.Node == node))
                {
                    if (pending[at].OfSource)
                        to = pending[at].Before;
                    pending.RemoveAt(at);
                }
                node = node.Lookup(to).Hop switch
                {
                    Hop.Tunnel tunnel => cluster._byUnderlay.GetValueOrDefault(tunnel.Remote),
                    Hop.Underlay => cluster._byUnderlay.GetValueOrDefault(to),
                    _ => null,
                };
            }
            if (pending.Count > 0)
                return $"the answer to {to} does not pass node {pending[^1].Node.Name}, which translated {pending[^1].Before} to {pending[^1].After}";
            return to.Equals(_client) ? null : $"the answer goes to {to} and not to the client {_client}";
        }

        private void End(State state, TraceVerdict verdict, TraceTarget? target, string cause) => Outcomes.Add(new TraceOutcome(
            verdict, target, state.Packet.Source, state.Packet.Destination, state.Packet.DestinationPort, cause, [.. state.Stages]));

        private void Fail(string why) =>
            Outcomes.Add(new TraceOutcome(TraceVerdict.Unroutable, null, _client ?? IPAddress.None, destination, port, why, []));

        private static string Step(NftHookPoint point) => point switch
        {
            NftHookPoint.Prerouting => "prerouting",
            NftHookPoint.Input => "input",
            NftHookPoint.Forward => "forward",
            NftHookPoint.Output => "output",
            _ => "postrouting",
        };
    }
}
