using System.Collections.Immutable;
using System.Net;
using Weft.Agent.Ipam;
using Weft.Agent.Ipam.Blocks;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Tests.Ipam.Blocks;

/// <summary>One node's address management over an API that many share. Its watch tells what the test lets it tell.</summary>
internal sealed class FakeNode : IDisposable
{
    private readonly FakeBlockApi _api;
    private readonly FakeJournalDisk _disk = new();
    private readonly FakeTime _time;
    private readonly IpamTimes _times;

    public FakeNode(string name, FakeBlockApi api, FakeTime time, IpamTimes? times = null)
    {
        (Name, _api, _time, _times) = (name, api, time, times ?? new IpamTimes { LoanAnswer = TimeSpan.Zero, PodShown = TimeSpan.Zero });
        Start();
    }

    public string Name { get; }

    public ClusterStore Cluster { get; } = new();

    public AddressStore Store { get; private set; } = null!;

    public NodeAddresses Addresses { get; private set; } = null!;

    public List<string> Log { get; } = [];

    public static IpPool Pool(string name, string cidr, int blockSize, bool strict = false, string? nodeZone = null, bool disabled = false, params string[] reserved) => new(
        name, IpPrefix.Parse(cidr), blockSize, nodeZone is null ? null : LabelSelector.Of(("zone", nodeZone)), null, reserved.Select(IpPrefix.Parse).ToEquatableArray(),
        disabled, true, strict, PoolAssignment.Automatic, DateTimeOffset.UnixEpoch);

    public void AddNode(string name, params string[] podCidrs) =>
        Cluster.Nodes.Upsert(name, new Node(name, [], podCidrs.Select(IpPrefix.Parse).ToEquatableArray(), Labels.Of(("zone", name)), true));

    /// <summary>The watch tells everything up to now.</summary>
    public void Hear() => Hear(_api.Blocks);

    public void Hear(IReadOnlyDictionary<string, AddressBlock> blocks)
    {
        Cluster.Blocks.Replace(blocks);
        Addresses.Follow(Cluster.Current);
    }

    public Task TendAsync() => Addresses.TendAsync(Cluster.Current, default);

    public async Task<string> AddAsync(string container, params string[] asked) =>
        string.Join(",", (await Addresses.AllocateAsync(Request(container, asked), default)).Attachment.Addresses);

    /// <summary>As weft-ipam asks when its configuration names a pool.</summary>
    public async Task<string> AddOfAsync(string? pool, string container, params string[] asked) => string.Join(",", (await Addresses.AllocateAsync(
        Request(container, asked) with { Pool = pool, Kind = HoldKind.Delegated }, default)).Attachment.Addresses);

    public void Release(string container) => Store.Release(Key(container));

    /// <summary>SIGKILL and a new start: the journal is what is left. An agent lists before it serves, and a list is of now.</summary>
    public void Restart()
    {
        Dispose();
        Start();
        Hear();
    }

    public IEnumerable<IPAddress> OfPods => Store.Attachments.Where(r => r.Kind == HoldKind.Attachment).SelectMany(r => r.Attachment.Addresses.AsImmutableArray());

    public void Dispose()
    {
        Addresses.Dispose();
        Store.Dispose();
    }

    private static AttachmentKey Key(string container) => new("weft", container, "eth0");

    private static AttachmentRequest Request(string container, string[] asked) =>
        new(Key(container), "/run/netns/x", 1450) { Addresses = asked.Select(IPAddress.Parse).ToEquatableArray() };

    private void Start()
    {
        var config = new NodeConfig(Name, [IpPrefix.Parse("10.244.0.0/16")], [], [], "cluster.local", "eth0", 1500);
        Store = new AddressStore(_disk, null, _time, new AddressStoreOptions { Boot = "boot" });
        Addresses = new NodeAddresses(new IpamContext(config, Store, Cluster, _api, _time, _times, Log.Add));
    }
}
