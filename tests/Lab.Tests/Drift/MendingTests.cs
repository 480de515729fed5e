using Lab.Tests.Support;
using Weft.Kernel.Routing;
using Weft.Model.Routing;

namespace Lab.Tests.Drift;

/// <summary>What somebody else deletes on a node is back long before the pass that looks at everything anyway (30 s).</summary>
[Collection(RoughLabCollection.Name)]
public sealed class MendingTests(RoughLab lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [SkippableFact]
    public async Task What_somebody_deletes_comes_back_because_the_kernel_tells()
    {
        lab.Require();
        await using var pods = new Pods(lab, "mending");
        await pods.StartAsync();
        await pods.CreateAsync("one", "node1");
        await pods.OpenAsync("one");
        using var netlink = RouteNetlink.Open(lab.Nodes["node1"].Network);
        var agent = lab.Agents.First(a => a.Node == "node1");
        await Eventually.NoneAsync(agent.AppliedProblemAsync);

        var route = netlink.Routes(WeftRouting.Protocol).First(r => r.Route.Destination.IsHost && r.Route.Link.StartsWith("weft", StringComparison.Ordinal)).Route;
        netlink.ExecuteAll(new DeleteRoute(route));
        await Eventually.NoneAsync(() => netlink.Routes(WeftRouting.Protocol).Any(r => r.Route.Destination == route.Destination) ? null : $"{route.Destination} is missing", Patience);

        var neighbor = netlink.Neighbors(route.Link).First(n => n.Permanent);
        netlink.ExecuteAll(new DeleteNeighbor(route.Link, neighbor.Address));
        await Eventually.NoneAsync(() => netlink.Neighbors(route.Link).Any(n => n.Permanent && n.Address.Equals(neighbor.Address)) ? null : $"{neighbor.Address} is missing", Patience);

        netlink.ExecuteAll(new DeleteLink("weft.vxlan"));
        await Eventually.NoneAsync(() => netlink.IndexOf("weft.vxlan") is null ? "the tunnel is missing" : null, Patience);
        await Eventually.NoneAsync(async () => (await agent.TableAsync("drift")).Rows is [var row, ..] ? string.Join(' ', row) : null, Patience);
    }
}
