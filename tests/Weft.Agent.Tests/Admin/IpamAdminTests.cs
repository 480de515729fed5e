using System.Net;
using Weft.Agent.Admin;
using Weft.Agent.Cni;
using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Agent.Tests.Cni;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Tests.Admin;

/// <summary>The agent's part of <c>weft ipam</c>: what is in use, what leaked and how that is proven, what may be released.</summary>
public sealed class IpamAdminTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTime _time = new();
    private readonly FakePodNetwork _network = new();
    private readonly ClusterStore _cluster = new();
    private readonly AddressStore _store;
    private readonly List<Suspect> _suspects = [];
    private readonly IpamAdmin _admin;

    public IpamAdminTests()
    {
        _store = AddressStore.Open(_directory.Path, _time);
        _store.SetRanges("n1", [new NodeRange(IpPrefix.Parse("10.244.1.0/29"), "", []), new NodeRange(IpPrefix.Parse("10.50.0.0/29"), "web", [IpPrefix.Parse("10.50.0.6/32")])]);
        var operations = new CniOperations(_store, new FakeAttachments(), _network, new CniServerOptions("/unused", () => 1450, () => null, _ => { }));
        _admin = new IpamAdmin("n1", _store, _cluster, _network, operations, () => _suspects);
    }

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    private Attachment Add(string name, bool shown = true)
    {
        _network.Namespaces.Add($"/run/netns/{name}");
        var attachment = _store.Allocate(new AttachmentRequest(new AttachmentKey("weft", name, "eth0"), $"/run/netns/{name}", 1450)
        {
            Pod = new ObjectKey("default", name),
            PodUid = $"uid-{name}",
        }).Attachment;
        _network.Create(attachment, 1450);
        var key = new ObjectKey("default", name);
        if (shown)
            _cluster.Workloads.Upsert(key, new Workload(key, $"uid-{name}", "n1", Labels.Empty, attachment.Addresses, false, []));
        return attachment;
    }

    private string[] Why(string address) => [.. _admin.Find($"why/{address}")!.Rows.Select(r => $"{r[0]}: {r[1]}")];

    private string Finding(string address) => _admin.Find("addresses")!.Rows.Where(r => r[0] == address).Select(r => $"{r[1]} {r[4]} {r[5]}".Trim()).Single();

    [Fact]
    public void An_address_in_use_is_told_with_everything_that_was_looked_at()
    {
        var a = Add("a");
        Assert.Equal("held", Finding("10.244.1.1"));
        Assert.Equal(
            [
                "state: held", "holder: pod default/a, container a (eth0 of network weft)", "since: 2030-01-01T00:00:00Z", "range: pod CIDR 10.244.1.0/29",
                "fact: pod default/a has 10.244.1.1 in the API", "fact: its network namespace /run/netns/a exists", $"fact: its interface {a.HostInterface} exists", "verdict: in use",
            ],
            Why("10.244.1.1"));
    }

    [Fact]
    public async Task A_missing_interface_is_proof_and_lets_the_address_be_released()
    {
        var a = Add("a");
        _network.Delete(a.HostInterface);
        Assert.Equal($"held leaked held, but its interface {a.HostInterface} does not exist", Finding("10.244.1.1"));
        Assert.Contains("verdict: leaked: nothing uses it; weft ipam release gives it back", Why("10.244.1.1"));
        var (released, text) = await _admin.ReleaseAsync("10.244.1.1", force: false, default);
        Assert.Equal((true, "released 10.244.1.1 of pod default/a, container a (eth0 of network weft); it may be given again after 10 s"), (released, text));
        Assert.Contains("state: resting", Why("10.244.1.1"));
        Assert.Equal("resting  free in 10 s", Finding("10.244.1.1"));
    }

    [Fact]
    public void An_interface_that_was_renamed_is_no_proof()
    {
        var a = Add("a");
        _network.Delete(a.HostInterface);
        _network.Foreign.Add(("/run/netns/a", "eth0"));
        Assert.Equal($"held  held, but its interface {a.HostInterface} is missing or renamed", Finding("10.244.1.1"));
    }

    [Fact]
    public async Task What_the_garbage_collector_suspects_is_a_finding_with_its_reason_and_no_proof()
    {
        var a = Add("a", shown: false);
        Add("b");
        var record = _store.Find(a.Key)!;
        var since = _time.GetUtcNow();
        _suspects.Add(new Suspect(record, GarbageJudge.SandboxExists, "there is no pod default/a; the runtime still has sandbox a", since));
        const string doubt = "there is no pod default/a; the runtime still has sandbox a (sandbox-exists, since 2030-01-01T00:00:00Z)";
        Assert.Equal($"held  held, but {doubt}", Finding("10.244.1.1"));
        Assert.Equal("held", Finding("10.244.1.2"));
        Assert.Contains($"fact: the garbage collector keeps it, and suspects that its holder is gone: {doubt}", Why("10.244.1.1"));
        Assert.False((await _admin.ReleaseAsync("10.244.1.1", force: false, default)).Released);
        // Proof that comes later says more.
        _network.Delete(a.HostInterface);
        Assert.Equal($"held leaked held, but its interface {a.HostInterface} does not exist", Finding("10.244.1.1"));
        // The suspicion was of that record only.
        _suspects[0] = new Suspect(record with { Mtu = 1 }, GarbageJudge.SandboxExists, "x", since);
        Assert.DoesNotContain(Why("10.244.1.1"), w => w.Contains("suspects", StringComparison.Ordinal));
    }

    [Fact]
    public void An_interface_that_no_record_holds_is_found()
    {
        Add("a");
        Assert.Empty(_admin.Find("interfaces")!.Rows);
        _network.Strays.Add("weft0123456789a");
        Assert.Equal("weft0123456789a: the interface is named as Weft's are, and no record holds it", string.Join(": ", Assert.Single(_admin.Find("interfaces")!.Rows)));
    }

    [Theory]
    [InlineData("weft0123456789a", true)]
    [InlineData("weft.vxlan", false)]
    [InlineData("weft0123456789", false)]
    [InlineData("weft0123456789g", false)]
    [InlineData("veth0123456789a", false)]
    public void Host_ends_are_told_by_their_names(string name, bool expected) => Assert.Equal(expected, AttachmentNames.IsHostInterface(name));

    [Fact]
    public void Gateways_of_other_plugins_networks_and_loans_are_no_findings()
    {
        var gateway = new AttachmentRequest(new AttachmentKey("bridged", ":gateway", "gateway"), "", 0) { Kind = HoldKind.Delegated };
        Assert.Equal("10.244.1.1", _store.Allocate(gateway).Attachment.Addresses[0].ToString());
        _store.Allocate(
            new AttachmentRequest(new AttachmentKey("weft.dev/loan/10-50-0-0-29", "id", "loan"), "", 0) { Kind = HoldKind.Loan, Aliases = ["n2"] }, [new FamilyChoice(false, ["web"])], []);
        _cluster.Nodes.Upsert("n2", new Node("n2", [], [], Labels.Empty, true));
        _cluster.Blocks.Upsert("10-50-0-0-29", new AddressBlock(
            "10-50-0-0-29", "uid", "1", IpPrefix.Parse("10.50.0.0/29"), "web", "n1", [new AddressLoan("id", "n2", Address: IPAddress.Parse("10.50.0.1"))], _time.GetUtcNow(), false));
        Assert.Equal("held", Finding("10.244.1.1"));
        Assert.Equal("lent", Finding("10.50.0.1"));
        Assert.Contains("holder: gateway of network bridged", Why("10.244.1.1"));
        Assert.Contains("fact: set aside as the gateway of network bridged for weft-ipam; no container gets it", Why("10.244.1.1"));
        // Nor when the ranges have changed under them.
        _store.SetCidrs("n1", [IpPrefix.Parse("10.99.0.0/24")]);
        Assert.Equal("held", Finding("10.244.1.1"));
        Assert.Equal("lent", Finding("10.50.0.1"));
    }

    [Fact]
    public async Task What_is_only_suspicious_is_found_and_released_by_force_alone()
    {
        var a = Add("a", shown: false);
        Assert.Equal("held  held, but the API has no pod default/a", Finding("10.244.1.1"));
        var (released, text) = await _admin.ReleaseAsync("10.244.1.1", force: false, default);
        Assert.False(released);
        Assert.Contains("not proven leaked", text, StringComparison.Ordinal);
        Assert.Contains("--force removes the interface", text, StringComparison.Ordinal);
        Assert.NotNull(_store.HolderOf(IPAddress.Parse("10.244.1.1")));
        Assert.True((await _admin.ReleaseAsync("10.244.1.1", force: true, default)).Released);
        Assert.False(_network.Exists(a.HostInterface));
    }

    [Fact]
    public void Pods_with_another_address_or_no_record_are_found()
    {
        Add("a");
        var key = new ObjectKey("default", "a");
        _cluster.Workloads.Upsert(key, new Workload(key, "uid-a", "n1", Labels.Empty, [IPAddress.Parse("10.244.1.5")], false, []));
        Assert.Equal("held  held, but pod default/a has 10.244.1.5 in the API", Finding("10.244.1.1"));
        Assert.Equal("unrecorded  a pod of this node has it, and no record holds it", Finding("10.244.1.5"));
        _cluster.Workloads.Upsert(key, new Workload(key, "other", "n1", Labels.Empty, [IPAddress.Parse("10.244.1.1")], false, []));
        Assert.Equal("held  held, but pod default/a in the API is another one (UID other instead of uid-a)", Finding("10.244.1.1"));
    }

    [Fact]
    public async Task Free_reserved_lent_and_foreign_addresses_are_told_apart()
    {
        Assert.Equal(["state: free", "range: block 10.50.0.0/29 of pool web", "verdict: the next pod may get it"], Why("10.50.0.2"));
        Assert.StartsWith("state: reserved", Why("10.50.0.6")[0], StringComparison.Ordinal);
        Assert.StartsWith("state: reserved", Why("10.244.1.7")[0], StringComparison.Ordinal);
        Assert.Empty(Why("192.0.2.1"));
        _store.Allocate(
            new AttachmentRequest(new AttachmentKey("weft.dev/loan/10-50-0-0-29", "id", "loan"), "", 0) { Kind = HoldKind.Loan, Aliases = ["n2"] }, [new FamilyChoice(false, ["web"])], []);
        Assert.Equal("lent  held for a loan that IPBlock 10-50-0-0-29 does not list", Finding("10.50.0.1"));
        var (released, text) = await _admin.ReleaseAsync("10.50.0.1", force: true, default);
        Assert.Equal((false, "10.50.0.1 is lent to node n2: it comes back when that node takes its entry id out of IPBlock 10-50-0-0-29"), (released, text));
    }

    [Fact]
    public void Ranges_tell_how_full_they_are()
    {
        Add("a");
        Assert.Equal(
            """
            RANGE          POOL    CAPACITY  IN USE  RESTING  FREE
            10.244.1.0/29  (node)  6         1       0        5
            10.50.0.0/29   web     5         0       0        5

            """, _admin.Find("ranges")!.ToText());
    }
}
