using System.Net;
using Weft.Kernel.Nftables;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.HostPorts;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Reconcile.Nftables;

namespace Weft.Agent.Tests.Drift;

/// <summary>CHECK sees what somebody did to a container's limits and host ports, and nothing of another's.</summary>
public sealed class CapabilityDriftTests
{
    private static readonly Attachment Limited = new("a", "eth0", null, null, [IPAddress.Parse("10.0.0.5")], "weft1", "02:00:00:00:00:01", "/run/netns/a")
    {
        PortMappings = [new PortMapping(Protocol.Tcp, 8080, 80), new PortMapping(Protocol.Udp, 53, 53, IPAddress.Loopback)],
    };

    private static readonly RoutingState Routing = new([new VethLink("weft1", 1450), new IfbLink("weft-1", 1450)], [], [], [], [], [])
    {
        Shapers = [new Shaper("weft1", 1000, 70_000, 80_000), new Shaper("weft-1", 2000, 70_000, 80_000)],
        Redirects = [new Redirect("weft1", "weft-1")],
    };

    private static FakeNetlink Kernel()
    {
        var netlink = new FakeNetlink();
        netlink.ExecuteAll(
            new AddVeth("weft1", 1450, null, "pod1", null, null), new AddIfb(new IfbLink("weft-1", 1450)), new SetShaper(Routing.Shapers[0]), new SetShaper(Routing.Shapers[1]),
            new AddIngress("weft1"), new AddRedirect(Routing.Redirects[0]));
        return netlink;
    }

    [Fact]
    public void LimitsThatAreMissingOrChangedAreNamed()
    {
        var netlink = Kernel();
        Assert.Empty(CapabilityDrift.Limits(netlink, Limited, Routing));
        netlink.ExecuteAll(new SetShaper(Routing.Shapers[0] with { Rate = 5000 }), new DeleteShaper("weft-1"), new DeleteIngress("weft1"));
        var problems = CapabilityDrift.Limits(netlink, Limited, Routing).ToList();
        Assert.Equal(3, problems.Count);
        Assert.Contains("receives on weft1 is 5000 bytes a second", problems[0], StringComparison.Ordinal);
        Assert.Contains("sends is missing on weft-1", problems[1], StringComparison.Ordinal);
        Assert.Contains("is not led through weft-1", problems[2], StringComparison.Ordinal);
        Assert.Empty(CapabilityDrift.Limits(netlink, Limited with { HostInterface = "weft2" }, Routing));
    }

    [Fact]
    public void AnElementOfAHostPortIsItsHolders()
    {
        NftTable table = new("weft",
            [
                new NftSet(HostPortMaps.Any + "-4", [NftType.InetProto, NftType.InetService], [NftType.Verdict], false,
                    [Element(Protocol.Tcp, 8080), Element(Protocol.Tcp, 9090)]),
            ],
            []);
        var nftables = new FakeNftables();
        var reconciler = new NftablesReconciler(nftables);
        Assert.True(reconciler.Reconcile(table).Ok);
        Assert.True(nftables.Apply("delete element inet weft hostports-4 { tcp . 8080, tcp . 9090 }\n").Ok);
        var rows = reconciler.Drift(table).Rows;
        Assert.Equal(2, rows.Count);
        Assert.Equal("tcp . 8080", Assert.Single(rows, r => CapabilityDrift.ConcernsHostPorts(Limited, r)).Item);
        Assert.DoesNotContain(rows, r => CapabilityDrift.ConcernsHostPorts(Limited with { PortMappings = [] }, r));
        NftDriftRow backend = new("weft", "element", "hostports-at-backends-4-udp", "127.0.0.1 . udp . 53 . 0", NftDifference.Missing, "");
        Assert.True(CapabilityDrift.ConcernsHostPorts(Limited, backend));
        Assert.False(CapabilityDrift.ConcernsHostPorts(Limited, backend with { Item = "127.0.0.1 . udp . 5353 . 0" }));
    }

    private static NftElement Element(Protocol protocol, int port) => new([NftValue.Of(protocol), NftValue.Of((long)port)], Verdict: NftVerdict.Accept);
}
