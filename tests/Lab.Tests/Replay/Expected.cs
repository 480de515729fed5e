using System.Net;
using Lab.Tests.Support;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>What an agent must know, neither less nor more, before a scenario's flows mean something.</summary>
internal static class Expected
{
    /// <summary>Null when the agent knows exactly the scenario's objects and its node's kernel is in line with them.</summary>
    public static async Task<string?> ProblemAsync(
        LabAgent agent, Scenario scenario, IReadOnlyDictionary<ObjectKey, Machine> pods, IReadOnlyDictionary<ObjectKey, IReadOnlyList<IPAddress>> services)
    {
        var cluster = scenario.Cluster.Snapshot;
        var known = (await agent.TableAsync("pods")).Rows.Select(r => $"{r[0]}/{r[1]} {r[3]}");
        var wanted = cluster.Workloads.Values.Select(w => $"{w.Key} {(w.HostNetwork ? "host" : string.Join(", ", pods[w.Key].Addresses))}");
        if (Difference(agent, "pods", wanted, known) is { } podsProblem)
            return podsProblem;

        var balanced = (await agent.TableAsync("services")).Rows
            .Where(r => !IsLabs(r[0], r[1])).Select(r => $"{r[0]}/{r[1]} {r[4]} {r[6].Split(", ", StringSplitOptions.RemoveEmptyEntries).Length}");
        if (Difference(agent, "services", services.Keys.SelectMany(k => ServiceRows(scenario, k)), balanced) is { } servicesProblem)
            return servicesProblem;

        var policies = (await agent.TableAsync("policies")).Rows.Select(r => $"{r[0]}/{r[1]} {r[5]}");
        if (Difference(agent, "policies", cluster.Policies.Keys.Select(k => $"{k} in force"), policies) is { } policiesProblem)
            return policiesProblem;

        return await agent.AppliedProblemAsync();
    }

    /// <summary>The Services that every lab has.</summary>
    private static bool IsLabs(string ns, string name) => (ns, name) is ("default", "kubernetes") or ("kube-system", "kube-dns");

    /// <summary>Name, port and number of ready backends: addresses are the lab's own.</summary>
    private static IEnumerable<string> ServiceRows(Scenario scenario, ObjectKey key)
    {
        var cluster = scenario.Cluster.Snapshot;
        foreach (var port in cluster.Services[key].Ports)
        {
            var backends = cluster.EndpointSlices.Values.Where(s => s.Key.Namespace == key.Namespace && s.Service == key.Name)
                .SelectMany(s => s.Ports.Where(p => p.Name == port.Name && p.Protocol == port.Protocol)
                    .SelectMany(p => s.Endpoints.Where(e => e.Ready).SelectMany(e => e.Addresses.Select(a => new IPEndPoint(a, p.Port)))))
                .Distinct().Count();
            yield return $"{key} {port.Port}/{port.Protocol.ToString().ToUpperInvariant()} {backends}";
        }
    }

    private static string? Difference(LabAgent agent, string what, IEnumerable<string> wanted, IEnumerable<string> seen)
    {
        var (left, right) = (wanted.Order(StringComparer.Ordinal).ToList(), seen.Order(StringComparer.Ordinal).ToList());
        return left.SequenceEqual(right) ? null : $"{agent.Node}: {what} are [{string.Join("; ", right)}], expected [{string.Join("; ", left)}]";
    }
}
