using Weft.Agent.Ipam;
using Weft.Primitives;

namespace Weft.Agent.Tests.Cni;

/// <summary><c>ipam.pool</c> of a configuration that asks weft-ipam.</summary>
public sealed class IpamPoolTests : IAsyncLifetime
{
    private readonly SpecificationBench _bench = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _bench.DisposeAsync().AsTask();

    private Task<Answer> Call(string command, string pool, string container = "c1") => _bench.Call(
        command,
        $$"""
        {"cniVersion":"1.1.0","name":"bridged","type":"bridge",
         "ipam":{"type":"weft-ipam","agentSocket":{{SpecificationBench.Quote(_bench.Options.SocketPath)}}{{pool}} } }
        """,
        [("CNI_CONTAINERID", container)], delegated: true);

    private static string Pool(string name) => $",\"pool\":\"{name}\"";

    [Fact]
    public async Task Addresses_and_gateway_are_of_the_pool_and_of_no_other()
    {
        _bench.Store.SetRanges("n1", [new NodeRange(IpPrefix.Parse("10.244.1.0/28"), "", []), new NodeRange(IpPrefix.Parse("10.60.0.0/29"), "web", [])]);
        var result = (await Call("ADD", Pool("web"))).Succeeded();
        Assert.Equal(("10.60.0.1/29", "10.60.0.2"), ((string?)result["ips"]![0]!["address"], (string?)result["ips"]![0]!["gateway"]));
        Assert.Single(result["ips"]!.AsArray());
        // Without a pool it is a subnet of its own, with a gateway of its own.
        var other = (await Call("ADD", "", "c2")).Succeeded();
        Assert.Equal(("10.244.1.1/28", "10.244.1.2"), ((string?)other["ips"]![0]!["address"], (string?)other["ips"]![0]!["gateway"]));
        (await Call("STATUS", Pool("web"))).Succeeded();
    }

    [Fact]
    public async Task An_unknown_pool_is_refused_by_name_and_nothing_is_held()
    {
        (await Call("ADD", Pool("web"))).Failed(7, "ipam.pool is 'web'");
        (await Call("STATUS", Pool("web"))).Failed(50, "ipam.pool is 'web'");
        Assert.Empty(_bench.Store.Attachments);
        (await Call("DEL", Pool("web"))).Succeeded();
    }
}
