using System.Net;
using Lab.Tests.Support;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>One line of flows.txt, played with packets.</summary>
internal sealed class FlowReplay(ScenarioRun run, Flow flow)
{
    /// <summary>How long silence has to last to count as one.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    /// <summary>What should be answered is waited for longer: a busy machine is no refusal.</summary>
    private static readonly TimeSpan ForAnswer = TimeSpan.FromSeconds(6);

    /// <summary>With three backends, as many tries miss one of them once in 10^10 runs.</summary>
    private const int MostTries = 60;

    /// <summary>A backend that should not be one is to be seen as well.</summary>
    private const int LeastTries = 30;

    private const int TriesAtOnce = 10;

    private TimeSpan Patience => flow.Verdict == FlowVerdict.Allow ? ForAnswer : Silence;

    /// <summary>Null when the line holds, otherwise what was seen instead.</summary>
    public async Task<string?> JudgeAsync()
    {
        if (flow.Via is not null)
            throw new NotSupportedException($"line {flow.Line}: the lab's outside host has no routes to other addresses than nodes', so via= cannot be replayed");
        var outcomes = await TryAsync();
        if (outcomes.FirstOrDefault(o => o.Verdict != flow.Verdict) is { } other)
            return $"line {flow.Line}, '{flow.Text}': {other}";
        if (flow.Verdict != FlowVerdict.Allow)
            return null;
        if (flow.SourceSeen is { } source && outcomes.FirstOrDefault(o => !IsSeen(source, o.Seen)) is { } stranger)
            return $"line {flow.Line}, '{flow.Text}': {stranger}";
        var expected = ExpectedServers();
        var reached = Names(outcomes);
        return expected.Count == 0 || reached.SetEquals(expected) ? null : $"line {flow.Line}, '{flow.Text}': reaches {string.Join(", ", reached)}";
    }

    private static HashSet<string> Names(IEnumerable<Outcome> outcomes) => [.. outcomes.Select(o => o.Server ?? o.ToString())];

    private HashSet<string> ExpectedServers() => flow.To switch
    {
        FlowEnd.Pod pod => [pod.Key.ToString()],
        FlowEnd.Outside when !flow.IsPing => ["outside"],
        _ => [.. flow.Backends.Select(k => k.ToString())],
    };

    /// <summary>Once, or where backends are named, so often that each of them and any other has answered.</summary>
    private async Task<IReadOnlyList<Outcome>> TryAsync()
    {
        var destinations = run.Destinations(flow);
        var outcomes = new List<Outcome>(await Task.WhenAll(destinations.Select(OnceAsync)));
        var expected = ExpectedServers();
        while (flow.Backends.Count > 0 && outcomes.All(o => o.Verdict == FlowVerdict.Allow)
            && (outcomes.Count < LeastTries || (outcomes.Count < MostTries && !Names(outcomes).IsSupersetOf(expected))))
            outcomes.AddRange(await Task.WhenAll(Enumerable.Range(0, TriesAtOnce).Select(i => OnceAsync(destinations[i % destinations.Count]))));
        return outcomes;
    }

    private Task<Outcome> OnceAsync(IPAddress address)
    {
        var from = run.Find(flow.From) ?? throw new FormatException($"line {flow.Line}: a connection begins at a pod, a node or outside");
        var to = new IPEndPoint(address, flow.Port);
        if (flow.IsPing)
            return Probes.PingAsync(from, run.Find(flow.To), address, Patience);
        if (flow.Protocol == (byte)Protocol.Sctp)
            return Probes.SctpAsync(from, to, run.Pods.Values, Patience);
        if (flow.To is FlowEnd.Dns && flow.Protocol == (byte)Protocol.Udp)
            return DnsAsync(from, to);
        return flow.Protocol == (byte)Protocol.Udp
            ? Probes.UdpAsync(from, to, "who am I"u8.ToArray(), silent: false, Patience)
            : Probes.TcpAsync(from, to, silent: flow.To is FlowEnd.Dns, Patience);
    }

    /// <summary>The DNS server does not tell what it sees, so the question is watched as it arrives at the client's node, where the server is.</summary>
    private async Task<Outcome> DnsAsync(Machine from, IPEndPoint to)
    {
        var question = Probes.DnsQuestion();
        using var limit = new CancellationTokenSource(Patience);
        using var watch = new RawWatch(run.Lab.Nodes[run.NodeOf(flow.From)], RawSocket.Udp, flow.IPv6);
        var arrival = watch.NextAsync(p => p.EndsWith(question), limit.Token);
        var outcome = await Probes.UdpAsync(from, to, question, silent: true, Patience);
        try
        {
            return outcome.Verdict == FlowVerdict.Allow ? outcome with { Seen = await arrival } : outcome;
        }
        catch (OperationCanceledException)
        {
            return outcome with { Detail = "answered, but not by the node's own server" };
        }
        finally
        {
            await limit.CancelAsync();
        }
    }

    /// <summary>As the tracer's judge has it: a node is seen with its underlay address, or from inside the tunnel with its address there.</summary>
    private bool IsSeen(string expected, IPAddress? seen)
    {
        if (seen is null)
            return false;
        if (expected == "pod")
            return flow.From is FlowEnd.Pod && run.Find(flow.From)!.Addresses.Contains(seen);
        if (expected == "outside")
            return run.Lab.Outside.Addresses.Contains(seen);
        if (!expected.StartsWith("node/", StringComparison.Ordinal))
            return IPAddress.Parse(expected).Equals(seen);
        var node = run.Lab.Topology.FindNode(expected[5..])!;
        return node.Addresses.Contains(seen) || node.PodCidrs.Any(c => c.First.Equals(seen));
    }
}
