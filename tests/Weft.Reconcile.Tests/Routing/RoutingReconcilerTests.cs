using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Tests.Routing;

public class RoutingReconcilerTests
{
    private static readonly DesiredState Desired = SampleRouting.State(SampleRouting.Routing);

    private sealed record Node(FaultPlan Faults, FakeNetlink Netlink, FakeSysctls Sysctls, NodeReconciler Reconciler, TouchedLinks Touched);

    private static Node NewNode(bool spoilt, Func<string, bool>? inUse = null)
    {
        var faults = new FaultPlan();
        var netlink = new FakeNetlink(faults);
        var sysctls = new FakeSysctls(faults);
        foreach (var sysctl in SampleRouting.Routing.Sysctls)
            sysctls.Values[sysctl.Path] = "0";
        SampleRouting.Prepare(netlink);
        if (spoilt)
            SampleRouting.Spoil(netlink);
        var touched = new TouchedLinks();
        return new Node(faults, netlink, sysctls, new NodeReconciler(RoutingReconcilers.Create(netlink, sysctls, inUse, touched)), touched);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OnePassConvergesAndTheNextWritesNothing(bool spoilt)
    {
        var node = NewNode(spoilt);
        var first = node.Reconciler.Apply(Desired);
        Assert.Empty(first.Failures);
        Assert.NotEqual(0, first.Writes);
        ObservedRouting.AssertHolds(SampleRouting.Routing, node.Netlink, node.Sysctls);
        var writes = node.Faults.Writes;
        Assert.Equal(0, node.Reconciler.Apply(Desired).Writes);
        Assert.Equal(writes, node.Faults.Writes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhicheverCallFailsTheSecondPassConvergesAndTheThirdWritesNothing(bool spoilt)
    {
        var probe = NewNode(spoilt);
        var before = probe.Faults.Calls;
        probe.Reconciler.Apply(Desired);
        var calls = probe.Faults.Calls - before;
        Assert.True(calls > 20);
        for (var call = 0; call < calls; call++)
        {
            var node = NewNode(spoilt);
            node.Faults.FailCall(node.Faults.Calls + call);
            var first = node.Reconciler.Apply(Desired);
            Assert.False(first.Succeeded, $"call {call} failed and nobody said so");
            Assert.All(first.Failures, f => Assert.NotEmpty(f.Error));
            var second = node.Reconciler.Apply(Desired);
            Assert.True(second.Succeeded, $"after call {call} failed: {string.Join("; ", second.Failures)}");
            ObservedRouting.AssertHolds(SampleRouting.Routing, node.Netlink, node.Sysctls);
            var writes = node.Faults.Writes;
            Assert.Equal(0, node.Reconciler.Apply(Desired).Writes);
            Assert.Equal(writes, node.Faults.Writes);
        }
    }

    [Fact]
    public void WhatBelongsToOthersStays()
    {
        var node = NewNode(spoilt: true);
        node.Reconciler.Apply(Desired);
        Assert.Contains(node.Netlink.RouteTable, r => r.Protocol == 4);
        Assert.Contains(node.Netlink.NeighborTable, n => n.Link == "eth0");
        Assert.Contains(node.Netlink.LinkTable, l => l.Name == "pod1");
        Assert.Equal(2, node.Netlink.QdiscTable.Count(q => q.Link == "eth0"));
        // Addresses without Weft's mark, as the machine's set-up or a person adds them.
        Assert.Equal(["eth0", "lo"], node.Netlink.AddressTable.Where(a => a.Protocol == 0).Select(a => a.Address.Link).Order());
    }

    [Fact]
    public void AVxlanDeviceKeepsItsIdentityUnlessAnAttributeOfItDiffers()
    {
        var node = NewNode(spoilt: true);
        var before = node.Netlink.IndexOf("weft.vxlan");
        node.Reconciler.Apply(Desired);
        Assert.Equal(before, node.Netlink.IndexOf("weft.vxlan"));
        var other = SampleRouting.Routing with
        {
            Links = [.. SampleRouting.Routing.Links.Select(l => l is VxlanLink vxlan ? vxlan with { Port = 8472 } : l)],
        };
        var report = node.Reconciler.Apply(SampleRouting.State(other));
        Assert.Empty(report.Failures);
        Assert.NotEqual(before, node.Netlink.IndexOf("weft.vxlan"));
        ObservedRouting.AssertHolds(other, node.Netlink, node.Sysctls);
    }

    [Fact]
    public void AnAttachmentInTheMakingIsLeftAlone()
    {
        var busy = new HashSet<string> { "weft3" };
        var node = NewNode(spoilt: false, busy.Contains);
        node.Netlink.ExecuteAll(new AddVeth("weft3", 1450, null, "pod3", null, null));
        node.Reconciler.Apply(Desired);
        Assert.NotNull(node.Netlink.IndexOf("weft3"));
        busy.Clear();
        node.Reconciler.Apply(Desired);
        Assert.Null(node.Netlink.IndexOf("weft3"));
    }

    [Fact]
    public void AMissingPodLinkIsNotedAndStopsNothingElse()
    {
        var node = NewNode(spoilt: false);
        node.Netlink.ExecuteAll(new DeleteLink("weft1"));
        var report = node.Reconciler.Apply(Desired);
        // Said once, not again for each route, neighbor and parameter on it; and the node is not to blame.
        Assert.Equal("weft1", Assert.Single(report.AbsentLinks));
        Assert.Empty(report.Failures);
        Assert.Contains(node.Netlink.RouteTable, r => r.Route.Link == "weft2");
        node.Netlink.ExecuteAll(new AddVeth("weft1", 1450, null, "pod1b", null, null));
        Assert.Empty(node.Reconciler.Apply(Desired).Failures);
        ObservedRouting.AssertHolds(SampleRouting.Routing, node.Netlink, node.Sysctls);
    }

    [Fact]
    public void ALinkThatItsContainerTookAlongFailsAtMostOnePass()
    {
        var node = NewNode(spoilt: false);
        node.Reconciler.Apply(Desired);
        // Nobody says that the link has gone, and something of it has to be set anew.
        node.Netlink.ExecuteAll(new DeleteLink("weft1"));
        var routing = SampleRouting.Routing with
        {
            Sysctls = [.. SampleRouting.Routing.Sysctls.Select(s => s.Path == "net/ipv4/conf/weft1/rp_filter" ? s with { Value = "1" } : s)],
            Neighbors = [.. SampleRouting.Routing.Neighbors, new Neighbor("weft1", SampleRouting.Ip("10.244.1.99"), new MacAddress(0x02_00_00_00_00_63))],
        };
        Assert.NotEmpty(node.Reconciler.Apply(SampleRouting.State(routing)).Failures);
        var second = node.Reconciler.Apply(SampleRouting.State(routing));
        Assert.Empty(second.Failures);
        Assert.Equal("weft1", Assert.Single(second.AbsentLinks));
    }

    [Fact]
    public void AMissingUnderlayIsAStatusOfEachObjectThatNeedsIt()
    {
        var node = NewNode(spoilt: false);
        node.Netlink.ExecuteAll(new DeleteLink("eth0"));
        var report = node.Reconciler.Apply(Desired);
        var link = Assert.Single(report.Failures, f => f.Object == "link weft.vxlan");
        Assert.Contains("'eth0' does not exist", link.Error);
        var route = Assert.Single(report.Failures, f => f.Object == "route 10.244.2.0/24");
        Assert.Contains("'weft.vxlan' does not exist", route.Error);
        Assert.Contains("10.244.2.0/24 via 10.244.2.0 dev weft.vxlan", route.Operation);
        // The pods of this node have their routes all the same.
        Assert.Contains(node.Netlink.RouteTable, r => r.Route.Link == "weft2");
    }

    [Fact]
    public void ASysctlIsReadAgainWhenItsLinkIsAnotherOneOrWhenTold()
    {
        var node = NewNode(spoilt: false);
        node.Reconciler.Apply(Desired);
        node.Sysctls.Values["net/ipv4/ip_forward"] = "0";
        Assert.Equal(0, node.Reconciler.Apply(Desired).Writes);
        node.Reconciler.Forget();
        Assert.Equal(1, node.Reconciler.Apply(Desired).Writes);
        Assert.Equal("1", node.Sysctls.Values["net/ipv4/ip_forward"]);
        node.Netlink.ExecuteAll(new DeleteLink("weft1"), new AddVeth("weft1", 1450, null, "pod1b", null, null));
        node.Touched.Touch("weft1");
        node.Sysctls.Values["net/ipv4/conf/weft1/rp_filter"] = "0";
        node.Reconciler.Apply(Desired);
        Assert.Equal("2", node.Sysctls.Values["net/ipv4/conf/weft1/rp_filter"]);
    }

    [Fact]
    public void ALimitThatIsChangedOrTakenAwayIsMendedAndItsDeviceGoes()
    {
        var node = NewNode(spoilt: false);
        node.Reconciler.Apply(Desired);
        var slower = SampleRouting.Routing with { Shapers = [.. SampleRouting.Routing.Shapers.Select(s => s with { Rate = s.Rate / 2 })] };
        Assert.Equal(2, node.Reconciler.Apply(SampleRouting.State(slower)).Writes);
        ObservedRouting.AssertHolds(slower, node.Netlink, node.Sysctls);
        var free = SampleRouting.Routing with { Links = [.. SampleRouting.Routing.Links.Where(l => l is not IfbLink)], Shapers = [], Redirects = [] };
        // The bucket of the device goes with the device.
        Assert.Equal(3, node.Reconciler.Apply(SampleRouting.State(free)).Writes);
        ObservedRouting.AssertHolds(free, node.Netlink, node.Sysctls);
        Assert.Empty(node.Netlink.RedirectTable);
        Assert.Equal(0, node.Reconciler.Apply(SampleRouting.State(free)).Writes);
    }

    [Fact]
    public void ALinkMadeAnewIsLimitedAnew()
    {
        var node = NewNode(spoilt: false);
        node.Reconciler.Apply(Desired);
        node.Netlink.ExecuteAll(new DeleteLink("weft1"), new AddVeth("weft1", 1450, null, "pod1b", null, null));
        node.Touched.Touch("weft1");
        Assert.Empty(node.Reconciler.Apply(Desired).Failures);
        ObservedRouting.AssertHolds(SampleRouting.Routing, node.Netlink, node.Sysctls);
        node.Netlink.ExecuteAll(new DeleteLink("weft-1"));
        Assert.Empty(node.Reconciler.Apply(Desired).Failures);
        ObservedRouting.AssertHolds(SampleRouting.Routing, node.Netlink, node.Sysctls);
        Assert.Equal(0, node.Reconciler.Apply(Desired).Writes);
    }

    [Fact]
    public void AnEmptyStateRemovesAllThatIsWefts()
    {
        var node = NewNode(spoilt: true);
        node.Reconciler.Apply(Desired);
        var empty = new RoutingState([], [], [], [], [], []);
        Assert.Empty(node.Reconciler.Apply(SampleRouting.State(empty)).Failures);
        Assert.DoesNotContain(node.Netlink.LinkTable, l => l.Name.StartsWith("weft", StringComparison.Ordinal));
        Assert.DoesNotContain(node.Netlink.RouteTable, r => r.Protocol == WeftRouting.Protocol);
        Assert.Equal(0, node.Reconciler.Apply(SampleRouting.State(empty)).Writes);
    }

    [Fact]
    public void EveryStepIsInTheOrderOnce() =>
        Assert.Equal(Enum.GetValues<ApplyStep>().Order(), ApplyOrder.Steps.Order());
}
