using Weft.Lab.Topology;

namespace Weft.Lab.Tests.Topology;

public sealed class LabTopologyTests
{
    [Theory]
    [InlineData("a-b")]
    [InlineData("A")]
    [InlineData("1a")]
    [InlineData("")]
    [InlineData("abcdefghijklmnopqrstu")]
    public void A_name_that_another_labs_prefix_could_swallow_is_refused(string name)
    {
        var e = Assert.Throws<ArgumentException>(() => LabTopology.Create(name, 3, IpFamily.IPv4));
        Assert.Contains($"\"{name}\"", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    [InlineData(IpFamily.Dual)]
    public void Every_node_has_its_own_addresses_inside_the_plan(IpFamily family)
    {
        var topology = LabTopology.Create("x", LabTopology.MaxNodes, family);
        var nodes = topology.Nodes.ToList();
        var addresses = nodes.SelectMany(n => n.Addresses).Concat(topology.BridgeAddresses).Concat(topology.OutsideAddresses).ToList();
        Assert.Equal(addresses.Count, addresses.Distinct().Count());
        Assert.All(addresses, a => Assert.Contains(topology.UnderlayCidrs, c => c.Contains(a)));
        var cidrs = nodes.SelectMany(n => n.PodCidrs).ToList();
        Assert.Equal(cidrs.Count, cidrs.Distinct().Count());
        Assert.All(cidrs, c => Assert.Contains(topology.ClusterCidrs, whole => whole.Contains(c)));
        Assert.Equal(family == IpFamily.Dual ? 2 : 1, nodes[0].Addresses.Count);
    }

    [Fact]
    public void It_survives_its_own_file()
    {
        var topology = LabTopology.Create("x", 7, IpFamily.Dual, 9000);
        Assert.Equal(topology, LabTopology.Parse(topology.ToJson().ToJsonString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"name\":\"x\",\"nodes\":0,\"ipFamily\":\"ipv4\"}")]
    [InlineData("{\"name\":\"x\",\"nodes\":\"three\",\"ipFamily\":\"ipv4\"}")]
    public void A_damaged_file_is_a_format_error(string text) => Assert.Throws<FormatException>(() => LabTopology.Parse(text));
}
