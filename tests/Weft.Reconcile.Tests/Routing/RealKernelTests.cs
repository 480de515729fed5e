using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;

namespace Weft.Reconcile.Tests.Routing;

/// <summary>The same state against the running kernel, in a namespace made for the test.</summary>
public sealed class RealKernelTests : IDisposable
{
    private readonly string _name = $"weft-test-{Environment.ProcessId}-{Guid.NewGuid():N}"[..32];
    private readonly NetNamespace _network;
    private readonly RouteNetlink _netlink;
    private readonly NamespaceSysctls _sysctls;

    public RealKernelTests()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root: makes a network namespace");
        _network = NetNamespace.Create(_name);
        _netlink = RouteNetlink.Open(_network);
        _sysctls = new NamespaceSysctls(_network);
        _netlink.ExecuteAll(new SetLink("lo", Up: true));
        SampleRouting.Prepare(_netlink);
    }

    public void Dispose()
    {
        _netlink?.Dispose();
        _network?.Dispose();
        NetNamespace.Delete(_name);
    }

    private NodeReconciler NewReconciler() => new(RoutingReconcilers.Create(_netlink, _sysctls));

    [SkippableFact]
    public void ConvergesFromNothing()
    {
        Converge(NewReconciler());
        // A restarted agent takes over what is there.
        Assert.Equal(0, NewReconciler().Apply(SampleRouting.State(SampleRouting.Routing)).Writes);
    }

    [SkippableFact]
    public void RepairsDriftOfEveryKindWithoutMakingTheDeviceAnew()
    {
        SampleRouting.Spoil(_netlink);
        var before = _netlink.IndexOf("weft.vxlan");
        Converge(NewReconciler());
        Assert.Equal(before, _netlink.IndexOf("weft.vxlan"));
        Assert.Contains(_netlink.Routes(), r => r.Protocol == 4);
    }

    [SkippableFact]
    public void MakesADeviceAnewWhoseIdentityDiffers()
    {
        _netlink.ExecuteAll(new AddVxlan(new("weft.vxlan", 1450, 7, 8472, SampleRouting.Ip("172.30.0.11"), "eth0", SampleRouting.OwnMac)));
        Converge(NewReconciler());
    }

    [SkippableFact]
    public void RepairsWhatSomebodyDeletes()
    {
        var reconciler = NewReconciler();
        Converge(reconciler);
        _netlink.ExecuteAll(
            new DeleteRoute(SampleRouting.Routing.Routes[3]),
            new DeleteNeighbor("weft1", SampleRouting.Ip("10.244.1.5")),
            new DeleteForwarding(SampleRouting.Routing.Forwarding[0]),
            new SetLink("weft2", Up: false),
            new DeleteAddress(SampleRouting.Routing.Addresses[0]));
        reconciler.Forget();
        Converge(reconciler);
        _netlink.ExecuteAll(new DeleteLink("weft.vxlan"));
        Converge(reconciler);
        // The redirect to it would drop everything.
        _netlink.ExecuteAll(new DeleteLink("weft-1"));
        Assert.Null(Assert.Single(_netlink.Redirects("weft1")).To);
        Converge(reconciler);
        _netlink.ExecuteAll(new DeleteShaper("weft1"), new DeleteIngress("weft1"));
        reconciler.Forget();
        Converge(reconciler);
    }

    private void Converge(NodeReconciler reconciler)
    {
        var report = reconciler.Apply(SampleRouting.State(SampleRouting.Routing));
        Assert.Empty(report.Failures);
        Assert.NotEqual(0, report.Writes);
        ObservedRouting.AssertHolds(SampleRouting.Routing, _netlink, _sysctls);
        Assert.Equal(0, reconciler.Apply(SampleRouting.State(SampleRouting.Routing)).Writes);
    }
}
