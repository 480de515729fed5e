using System.Text;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

public sealed class CniOperationsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakePodNetwork _network = new() { Namespaces = { "/run/netns/a", "/run/netns/b" } };
    private static readonly string[] OtherContainers = ["c0", "c2", "c3", "c4", "c5", "c6", "keep", "stale", "alive", "other", "holder"];
    private readonly FakeAttachments _attachments = new();
    private readonly List<string> _log = [];
    private AddressStore _store;
    private CniOperations _operations;
    private string? _notReady;

    public CniOperationsTests()
    {
        foreach (var container in OtherContainers)
            _network.Namespaces.Add($"/run/netns/{container}");
        Start();
    }

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_store), nameof(_operations))]
    private void Start()
    {
        _store?.Dispose();
        _store = AddressStore.Open(_directory.Path, TimeProvider.System, new AddressStoreOptions { Rest = TimeSpan.Zero });
        _store.SetCidrs("n1", [IpPrefix.Parse("10.244.1.0/29"), IpPrefix.Parse("fd00:1::/64")]);
        _operations = new CniOperations(_store, _attachments, _network, new CniServerOptions("/unused", () => 1450, () => _notReady, _log.Add)
        {
            InForceTimeout = TimeSpan.FromMilliseconds(200),
        });
    }

    private async Task<(bool Failed, JsonNode? Output)> Call(
        CniCommand command, string container = "c1", string? netns = null, string extra = "", string args = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web", string version = "1.1.0")
    {
        var config = $$"""{"cniVersion":"{{version}}","name":"weft","type":"weft-cni"{{extra}}}""";
        var response = await _operations.HandleAsync(
            new AgentRequest(new CniEnvironment(command, container, netns ?? (OtherContainers.Contains(container) ? $"/run/netns/{container}" : "/run/netns/a"), "eth0", args, ""), Encoding.UTF8.GetBytes(config)), CancellationToken.None);
        return (response.Failed, response.Output.IsEmpty ? null : JsonNode.Parse(response.Output.Span));
    }

    private async Task<JsonNode> Succeeds(CniCommand command, string container = "c1", string extra = "")
    {
        var (failed, output) = await Call(command, container, extra: extra);
        Assert.False(failed, output?.ToJsonString());
        return output ?? new JsonObject();
    }

    private async Task<JsonNode> Fails(int code, CniCommand command, string container = "c1", string? netns = null, string extra = "", string args = "")
    {
        var (failed, output) = await Call(command, container, netns, extra, args);
        Assert.True(failed);
        Assert.Equal(code, (int?)output!["code"]);
        return output;
    }

    private void NothingIsLeft()
    {
        Assert.Empty(_store.Attachments);
        Assert.Empty(_attachments.Published);
        Assert.Empty(_network.Links);
    }

    [Fact]
    public async Task Add_makes_the_interface_publishes_the_attachment_and_reports_both_families()
    {
        var result = await Succeeds(CniCommand.Add);
        var attachment = Assert.Single(_attachments.Published.Values);
        Assert.Equal(new ObjectKey("default", "web"), attachment.Pod);
        Assert.Equal([attachment.HostInterface], _network.Links);
        Assert.Equal(["10.244.1.1/32", "fd00:1::1/128"], result["ips"]!.AsArray().Select(i => (string?)i!["address"]));
        Assert.Equal([1, 1], result["ips"]!.AsArray().Select(i => (int?)i!["interface"]));
        Assert.Equal(["169.254.1.1", "fe80::1"], result["routes"]!.AsArray().Select(i => (string?)i!["gw"]));
        Assert.Equal(attachment.HostInterface, (string?)result["interfaces"]![0]!["name"]);
        Assert.Equal(("eth0", "/run/netns/a", 1450), ((string?)result["interfaces"]![1]!["name"], (string?)result["interfaces"]![1]!["sandbox"], (int?)result["interfaces"]![1]!["mtu"]));
    }

    // CONVENTIONS.md, "Well-known Capabilities".
    [Fact]
    public async Task Add_hands_on_what_the_runtime_asks_for()
    {
        var result = await Succeeds(CniCommand.Add, extra: """
            ,"dns":{"nameservers":["10.96.0.10"]},"runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"udp","hostIP":"192.0.2.1"}],
             "bandwidth":{"ingressRate":1000000,"ingressBurst":800000},"ips":["10.244.1.5/24"],"mac":"c2:11:22:33:44:55",
             "dns":{"servers":["192.0.2.53"]},"aliases":["db"]}
            """);
        var attachment = Assert.Single(_attachments.Published.Values);
        Assert.Equal(["10.244.1.5", "fd00:1::1"], attachment.Addresses.Select(a => a.ToString()));
        Assert.Equal("c2:11:22:33:44:55", attachment.Mac);
        Assert.Equal([new PortMapping(Protocol.Udp, 8080, 80, System.Net.IPAddress.Parse("192.0.2.1"))], attachment.PortMappings);
        Assert.Equal(new Bandwidth(1_000_000, 800_000, 0, 0), attachment.Bandwidth);
        Assert.Equal(["db"], attachment.Aliases);
        Assert.Equal("192.0.2.53", (string?)result["dns"]!["nameservers"]![0]);
        Assert.Equal("10.244.1.5/32", (string?)result["ips"]![0]!["address"]);
    }

    [Theory]
    [InlineData("192.0.2.7", CniErrorCode.InvalidConfiguration, "outside of 10.244.1.0/29")]
    [InlineData("10.244.1.7", CniErrorCode.InvalidConfiguration, "reserved")]
    [InlineData("10.244.1.1", CniErrorCode.TryAgainLater, "holder")]
    public async Task An_address_that_cannot_be_given_is_refused_with_the_reason(string address, int code, string inMessage)
    {
        await Succeeds(CniCommand.Add, "holder");
        var error = await Fails(code, CniCommand.Add, extra: $$""","runtimeConfig":{"ips":["{{address}}"]}""");
        Assert.Contains(inMessage, (string?)error["msg"], StringComparison.Ordinal);
        Assert.Single(_store.Attachments);
    }

    // CONVENTIONS.md, "CNI_ARGS": "the plugin must ignore the CNI_ARGS Field" when args has the same.
    [Fact]
    public async Task What_args_ask_for_goes_before_CNI_ARGS()
    {
        var (failed, output) = await Call(CniCommand.Add, extra: ""","args":{"cni":{"ips":["10.244.1.4"]}}""", args: "IP=nonsense;MAC=02:00:00:00:00:07");
        Assert.False(failed, output?.ToJsonString());
        Assert.Equal(("10.244.1.4/32", "02:00:00:00:00:07"), ((string?)output!["ips"]![0]!["address"], (string?)output["interfaces"]![1]!["mac"]));
        await Fails(CniErrorCode.InvalidEnvironment, CniCommand.Add, "c2", args: "IP=nonsense");
    }

    [Fact]
    public async Task Del_frees_everything_and_may_be_repeated()
    {
        await Succeeds(CniCommand.Add);
        await Succeeds(CniCommand.Del);
        NothingIsLeft();
        await Succeeds(CniCommand.Del);
        await Succeeds(CniCommand.Del, "never-seen");
    }

    [Fact]
    public async Task Del_works_without_namespace_and_with_a_configuration_that_add_would_refuse()
    {
        await Succeeds(CniCommand.Add);
        var (failed, _) = await Call(CniCommand.Del, netns: "", extra: ""","unknown":1""");
        Assert.False(failed);
        NothingIsLeft();
    }

    [Fact]
    public async Task Del_that_the_kernel_refuses_keeps_the_address_so_that_it_is_not_handed_out_twice()
    {
        await Succeeds(CniCommand.Add);
        _network.FailDelete = "device or resource busy";
        await Fails(CniErrorCode.KernelFailure, CniCommand.Del);
        Assert.Single(_store.Attachments);
        _network.FailDelete = null;
        await Succeeds(CniCommand.Del);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_failure_to_make_the_interface_rolls_everything_back()
    {
        _network.FailCreate = "cannot make eth0: EEXIST";
        var error = await Fails(CniErrorCode.KernelFailure, CniCommand.Add);
        Assert.Contains("EEXIST", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task Policy_that_cannot_be_applied_fails_add_with_the_reason_and_rolls_back()
    {
        _attachments.InForce = (_, _) => Task.FromResult(new AttachmentStatus(false, "nft: no such chain"));
        var error = await Fails(CniErrorCode.TryAgainLater, CniCommand.Add, args: "K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p");
        Assert.Contains("pod ns/p", (string?)error["msg"], StringComparison.Ordinal);
        Assert.Contains("nft: no such chain", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task Policy_that_does_not_come_into_force_in_time_fails_add_and_rolls_back()
    {
        _attachments.InForce = async (_, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return AttachmentStatus.Ready;
        };
        await Fails(CniErrorCode.TryAgainLater, CniCommand.Add);
        NothingIsLeft();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_namespace_that_vanishes_during_add_is_said_so_and_leaves_nothing(bool beforeTheInterface)
    {
        if (beforeTheInterface)
            _network.OnCreate = a => _network.RemoveNamespace(a.NetworkNamespace);
        else
            _attachments.InForce = (a, _) =>
            {
                _network.RemoveNamespace(a.NetworkNamespace);
                return Task.FromResult(AttachmentStatus.Ready);
            };
        var error = await Fails(CniErrorCode.UnknownContainer, CniCommand.Add);
        Assert.Contains("/run/netns/a", (string?)error["msg"], StringComparison.Ordinal);
        Assert.Contains("vanished", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_namespace_that_vanishes_before_its_routes_are_in_force_is_said_so_too()
    {
        _attachments.InForce = (a, _) =>
        {
            _network.RemoveNamespace(a.NetworkNamespace);
            return Task.FromResult(new AttachmentStatus(false, "the link is missing"));
        };
        var error = await Fails(CniErrorCode.UnknownContainer, CniCommand.Add);
        Assert.Contains("vanished", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_wrong_namespace_is_refused_before_anything_is_made()
    {
        var error = await Fails(CniErrorCode.InvalidEnvironment, CniCommand.Add, netns: "/run/netns/none");
        Assert.StartsWith("CNI_NETNS: ", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task An_exhausted_prefix_is_named_and_harms_no_one_else()
    {
        for (var i = 0; i < 6; i++)
            await Succeeds(CniCommand.Add, $"c{i}");
        var error = await Fails(CniErrorCode.TryAgainLater, CniCommand.Add, "c6");
        Assert.Contains("10.244.1.0/29", (string?)error["msg"], StringComparison.Ordinal);
        Assert.Equal(6, _network.Links.Count);
        await Succeeds(CniCommand.Del, "c0");
        await Succeeds(CniCommand.Add, "c6");
    }

    [Fact]
    public async Task Add_again_for_a_container_with_another_namespace_replaces_its_interface()
    {
        await Succeeds(CniCommand.Add);
        var (failed, output) = await Call(CniCommand.Add, netns: "/run/netns/b");
        Assert.False(failed);
        Assert.Equal("/run/netns/b", (string?)output!["interfaces"]![1]!["sandbox"]);
        Assert.Equal("/run/netns/b", Assert.Single(_attachments.Published.Values).NetworkNamespace);
        Assert.Single(_network.Links);
    }

    [Fact]
    public async Task Adds_at_once_each_get_their_own()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Succeeds(CniCommand.Add, $"c{i}")));
        Assert.Equal(6, results.Select(r => (string?)r["ips"]![0]!["address"]).Distinct().Count());
    }

    [Fact]
    public async Task Add_and_del_at_once_of_one_container_leave_all_or_nothing()
    {
        for (var round = 0; round < 20; round++)
        {
            await Task.WhenAll(Call(CniCommand.Add), Call(CniCommand.Del), Call(CniCommand.Add), Call(CniCommand.Del));
            Assert.Equal(_store.Attachments.Count, _network.Links.Count);
            Assert.Equal(_store.Attachments.Count, _attachments.Published.Count);
        }
    }

    [Fact]
    public async Task Check_accepts_what_add_left()
    {
        var result = await Succeeds(CniCommand.Add);
        await Succeeds(CniCommand.Check, extra: $",\"prevResult\":{result.ToJsonString()}");
    }

    // SPEC.md 1.1.0 section 2, "CHECK".
    [Fact]
    public async Task Check_reports_a_missing_prevResult_an_unknown_container_a_changed_address_and_a_missing_interface()
    {
        var result = $",\"prevResult\":{(await Succeeds(CniCommand.Add)).ToJsonString()}";
        await Fails(CniErrorCode.InvalidConfiguration, CniCommand.Check);
        await Fails(CniErrorCode.UnknownContainer, CniCommand.Check, "other", extra: result);
        await Fails(CniErrorCode.CheckFailed, CniCommand.Check, extra: result.Replace("10.244.1.1/32", "10.244.1.2/32", StringComparison.Ordinal));
        _network.Delete(_network.Links.Single());
        await Fails(CniErrorCode.CheckFailed, CniCommand.Check, extra: result);
    }

    // SPEC.md 1.1.0 section 2, "GC".
    [Fact]
    public async Task Gc_keeps_what_the_runtime_lists_and_frees_the_rest()
    {
        await Succeeds(CniCommand.Add, "keep");
        await Succeeds(CniCommand.Add, "stale");
        await Succeeds(CniCommand.Gc, extra: ""","cni.dev/valid-attachments":[{"containerID":"keep","ifname":"eth0"}]""");
        Assert.Equal("keep", Assert.Single(_store.Attachments).Attachment.ContainerId);
        Assert.Single(_network.Links);
        Assert.Single(_attachments.Published);
    }

    [Fact]
    public async Task Gc_without_a_list_frees_nothing()
    {
        await Succeeds(CniCommand.Add);
        await Fails(CniErrorCode.InvalidConfiguration, CniCommand.Gc);
        Assert.Single(_store.Attachments);
    }

    // SPEC.md 1.1.0 section 2, "STATUS".
    [Fact]
    public async Task Status_and_add_say_why_the_agent_is_not_ready()
    {
        await Succeeds(CniCommand.Status);
        _notReady = "the store has not synced with the API server";
        Assert.Contains("synced", (string?)(await Fails(CniErrorCode.NotAvailable, CniCommand.Status))["msg"], StringComparison.Ordinal);
        await Fails(CniErrorCode.TryAgainLater, CniCommand.Add);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_restarted_agent_publishes_what_still_exists_and_frees_what_does_not()
    {
        await Succeeds(CniCommand.Add, "alive");
        var (failed, _) = await Call(CniCommand.Add, "dead", "/run/netns/b");
        Assert.False(failed);
        _attachments.Published.Clear();
        _network.RemoveNamespace("/run/netns/b");
        Start();
        Assert.Equal((1, 1), _operations.Restore());
        Assert.Equal("alive", Assert.Single(_attachments.Published.Values).ContainerId);
        Assert.Equal("alive", Assert.Single(_store.Attachments).Attachment.ContainerId);
        Assert.Contains(_log, l => l.Contains("dead", StringComparison.Ordinal));
    }

    // As the garbage collector judges: a pair of veth dies as one.
    [Fact]
    public async Task A_restarted_agent_keeps_an_attachment_whose_host_end_was_renamed()
    {
        await Succeeds(CniCommand.Add, "renamed");
        var attachment = Assert.Single(_store.Attachments).Attachment;
        _network.Delete(attachment.HostInterface);
        _network.Foreign.Add((attachment.NetworkNamespace, attachment.InterfaceName));
        _attachments.Published.Clear();
        Start();
        Assert.Equal((1, 0), _operations.Restore());
        Assert.Equal(attachment, Assert.Single(_attachments.Published.Values));
        _network.Foreign.Clear();
        Start();
        Assert.Equal((0, 1), _operations.Restore());
        Assert.Empty(_store.Attachments);
        Assert.Contains(_log, l => l.Contains($"its interface {attachment.HostInterface} is gone", StringComparison.Ordinal));
    }

    [Fact]
    public void A_restarted_agent_keeps_what_other_plugins_hold_while_the_namespace_is_there()
    {
        AttachmentRecord Hold(string container, string netns) => _store.Allocate(
            new AttachmentRequest(new AttachmentKey("bridged", container, "eth0"), netns, 0) { Kind = HoldKind.Delegated });
        var (here, gone, gateway) = (Hold("here", "/run/netns/b"), Hold("gone", "/run/netns/vanished"), Hold(":gateway", ""));
        Start();
        Assert.Equal((2, 1), _operations.Restore());
        Assert.Equal([here, gateway], _store.Attachments);
        Assert.Contains(_log, l => l.Contains(gone.Attachment.NetworkNamespace, StringComparison.Ordinal));
        Assert.Empty(_attachments.Published);
    }

    [Fact]
    public async Task A_chained_call_passes_on_what_came_before()
    {
        var result = await Succeeds(CniCommand.Add, extra: ""","prevResult":{"interfaces":[{"name":"x0"}],"ips":[]}""");
        Assert.Equal("x0", (string?)result["interfaces"]![0]!["name"]);
        Assert.Equal(2, (int?)result["ips"]![0]!["interface"]);
    }

    [Fact]
    public async Task An_unforeseen_failure_is_an_error_object_and_a_line_in_the_log()
    {
        _attachments.InForce = (_, _) => throw new InvalidOperationException("a defect");
        var error = await Fails(CniErrorCode.Internal, CniCommand.Add);
        Assert.Contains("a defect", (string?)error["msg"], StringComparison.Ordinal);
        NothingIsLeft();
        Assert.NotEmpty(_log);
    }
}
