using System.Globalization;
using System.Net;
using Weft.Agent.Cni;
using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Agent.Ipam.Blocks;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Store;
using Weft.Wire.Cni;

namespace Weft.Agent.Admin;

/// <summary>Addresses of this node for people: the tables of <c>weft ipam</c>, and the release of one address.</summary>
/// <param name="suspects">What the garbage collector doubts and keeps.</param>
internal sealed class IpamAdmin(
    string node, AddressStore addresses, ClusterStore cluster, IPodNetwork network, CniOperations operations, Func<IReadOnlyList<Suspect>> suspects)
{
    /// <summary>Null for a name that is no table's.</summary>
    public ShowTable? Find(string name) => name switch
    {
        "ranges" => Ranges(),
        "addresses" => Addresses(),
        "blocks" => Blocks(cluster.Current),
        "interfaces" => Interfaces(),
        _ when name.StartsWith("why/", StringComparison.Ordinal) && IPAddress.TryParse(name["why/".Length..], out var address) => Why(address),
        _ => null,
    };

    /// <summary>Releases the hold of an address, when it is proven leaked or by force.</summary>
    /// <returns>Whether it was, and what to tell.</returns>
    public async Task<(bool Released, string Text)> ReleaseAsync(string text, bool force, CancellationToken cancel)
    {
        if (!IPAddress.TryParse(text, out var address))
            return (false, $"'{text}' is not an address");
        if (addresses.HolderOf(address) is not { } record)
            return (false, $"node {node} does not hold {address}");
        if (Lender.LoanOf(record) is { } loan)
            return (false, $"{address} is lent to node {record.Attachment.Aliases.FirstOrDefault()}: it comes back when that node takes its entry {loan.Id} out of IPBlock {loan.Block}");
        try
        {
            var refusal = await operations.ReleaseAsync(record.Key, now => now != record ? "it has changed hands meanwhile" : force ? null : Refusal(now), cancel);
            return refusal is null
                ? (true, $"released {string.Join(", ", record.Attachment.Addresses)} of {StoreErrors.Describe(record)}; it may be given again after {addresses.RestTime.TotalSeconds:0.#} s")
                : (false, refusal);
        }
        catch (Exception e) when (e is PodNetworkException or CniException)
        {
            return (false, $"{address} cannot be released: {e.Message}");
        }
    }

    private string? Refusal(AttachmentRecord record)
    {
        var evidence = HoldEvidence.Of(record, node, cluster.Current, network, beingAdded: false);
        return evidence.Leaked ? null
            : $"not proven leaked, so it stays: {string.Join("; ", evidence.Facts)}. --force removes the interface and releases the address all the same: "
                + "whatever still uses it loses its network at once";
    }

    private HoldEvidence EvidenceOf(AttachmentRecord record)
    {
        var evidence = HoldEvidence.Of(record, node, cluster.Current, network, operations.IsBeingAdded(record.Key));
        // The collector has asked the runtime as well, and has doubted for longer than the moment of this look.
        return suspects().FirstOrDefault(s => s.Record == record) is { } suspect ? evidence.With(suspect) : evidence;
    }

    private ShowTable Ranges() => new(
        "ranges",
        ["RANGE", "POOL", "CAPACITY", "IN USE", "RESTING", "FREE"],
        addresses.Usage().Select(u => Row(
            u.Range.Cidr.ToString(), u.Range.Pool == NodeRange.OfNode ? "(node)" : u.Range.Pool, Count(u.Capacity), Count(u.InUse), Count(u.Resting), Count(u.Free))).ToEquatableArray());

    /// <summary>Everything held or resting, and addresses of this node's pods that no record holds.</summary>
    private ShowTable Addresses()
    {
        var snapshot = cluster.Current;
        var records = addresses.Attachments;
        var rows = new List<(IPAddress Address, EquatableArray<string> Row)>();
        foreach (var record in records)
        {
            var evidence = EvidenceOf(record);
            foreach (var address in record.Attachment.Addresses)
            {
                var finding = evidence.Finding ?? (IsStranded(snapshot, record, address) ? "outside of every range of its node, and not borrowed" : "");
                rows.Add((address, Row(address.ToString(), StateOf(record, address), Holder(record), Time(record.Created), evidence.Leaked ? "leaked" : "", finding)));
            }
        }
        foreach (var (address, left) in addresses.Resting())
            rows.Add((address, Row(address.ToString(), "resting", "", "", "", $"free in {Seconds(left)}")));
        foreach (var (pod, address) in Unheld(snapshot, records))
            rows.Add((address, Row(address.ToString(), "unrecorded", $"pod {pod.Key}", "", "", "a pod of this node has it, and no record holds it")));
        return new ShowTable(
            "addresses", ["ADDRESS", "STATE", "HOLDER", "SINCE", "PROOF", "FINDING"],
            rows.OrderBy(r => IpPrefix.Host(r.Address)).Select(r => r.Row).ToEquatableArray());
    }

    // What is lent counts by its block, and a gateway by the containers behind it, which are on record themselves.
    private bool IsStranded(ClusterSnapshot snapshot, AttachmentRecord record, IPAddress address) =>
        record.Kind != HoldKind.Loan && !IpamCommand.IsGateway(record.Key) && addresses.RangeOf(address) is null && !IsBorrowed(snapshot, address);

    /// <summary>Host ends that belong to nobody. An ADD has its record before its interface, and a DEL until after.</summary>
    private ShowTable Interfaces() => new(
        "interfaces", ["INTERFACE", "FINDING"],
        network.HostInterfaces().Where(name => !addresses.OwnsInterface(name)).Where(name => network.Exists(name) && !addresses.OwnsInterface(name))
            .Order(StringComparer.Ordinal).Select(name => Row(name, "the interface is named as Weft's are, and no record holds it")).ToEquatableArray());

    private IEnumerable<(Workload Pod, IPAddress Address)> Unheld(ClusterSnapshot snapshot, IReadOnlyList<AttachmentRecord> records)
    {
        var held = records.SelectMany(r => r.Attachment.Addresses.AsImmutableArray()).ToHashSet();
        return snapshot.Workloads.Values.Where(w => w.NodeName == node && !w.HostNetwork)
            .SelectMany(w => w.Addresses.Where(a => !held.Contains(a) && addresses.RangeOf(a) is not null && addresses.RestOf(a) is not { Ticks: > 0 }).Select(a => (w, a)));
    }

    private static ShowTable Blocks(ClusterSnapshot snapshot) => new(
        "blocks",
        ["BLOCK", "POOL", "NODE", "NODE EXISTS", "LOANS"],
        snapshot.Blocks.Values.OrderBy(b => b.Cidr ?? default).ThenBy(b => b.Name, StringComparer.Ordinal).Select(b => Row(
            b.Cidr?.ToString() ?? b.Name, b.Pool, b.Node, snapshot.Nodes.ContainsKey(b.Node) ? "yes" : "no",
            string.Join(", ", b.Loans.Select(l => $"{l.Node}={l.Address?.ToString() ?? (l.Refused is null ? "asked" : "refused")}")))).ToEquatableArray());

    /// <summary>All that this node knows of an address; no rows when that is nothing.</summary>
    private ShowTable Why(IPAddress address)
    {
        var rows = new List<EquatableArray<string>>();
        void Say(string what, string detail) => rows.Add(Row(what, detail));
        var snapshot = cluster.Current;
        var range = addresses.RangeOf(address);
        if (addresses.HolderOf(address) is { } record)
        {
            var evidence = EvidenceOf(record);
            Say("state", StateOf(record, address));
            Say("holder", record.Kind == HoldKind.Loan || IpamCommand.IsGateway(record.Key) ? Holder(record) : StoreErrors.Describe(record));
            Say("since", Time(record.Created));
            Say("range", range?.Name ?? (IsBorrowed(snapshot, address) ? $"borrowed of {BlockName(snapshot, address)}" : "none of this node's"));
            foreach (var fact in evidence.Facts)
                Say("fact", fact);
            Say("verdict", evidence.Leaked ? "leaked: nothing uses it; weft ipam release gives it back" : evidence.Finding ?? "in use");
        }
        else if (addresses.RestOf(address) is { Ticks: > 0 } left)
        {
            Say("state", "resting");
            Say("range", range?.Name ?? "borrowed or of a range that has gone");
            Say("verdict", $"it was released and may be given again in {Seconds(left)}");
        }
        else if (range is not null)
        {
            var reserved = addresses.IsReserved(address);
            Say("state", reserved ? "reserved" : "free");
            Say("range", range.Name);
            Say("verdict", reserved ? "no pod gets it: the pool reserves it, or it is its range's first or last" : "the next pod may get it");
        }
        return new ShowTable("why", ["WHAT", "DETAIL"], rows.ToEquatableArray());
    }

    private bool IsBorrowed(ClusterSnapshot snapshot, IPAddress address) =>
        snapshot.Blocks.Values.Any(b => b.Loans.Any(l => l.Node == node && address.Equals(l.Address)));

    private static string BlockName(ClusterSnapshot snapshot, IPAddress address) =>
        snapshot.Blocks.Values.FirstOrDefault(b => b.Cidr?.Contains(address) == true) is { } block ? $"block {block.Cidr} of pool {block.Pool} on node {block.Node}" : "no block";

    private string StateOf(AttachmentRecord record, IPAddress address) => record.Kind switch
    {
        HoldKind.Loan => "lent",
        HoldKind.Delegated => "held",
        _ => addresses.RangeOf(address) is null && IsBorrowed(cluster.Current, address) ? "borrowed" : "held",
    };

    private static string Holder(AttachmentRecord record) => record.Kind == HoldKind.Loan
        ? $"node {record.Attachment.Aliases.FirstOrDefault()}"
        : IpamCommand.IsGateway(record.Key) ? $"gateway of network {record.Key.Network}"
        : record.Attachment.Pod is { } pod ? $"pod {pod}" : $"container {record.Key.ContainerId} ({record.Key.InterfaceName})";

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0.1, time.TotalSeconds):0.#} s");

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static EquatableArray<string> Row(params ReadOnlySpan<string> cells) => new([.. cells]);
}
