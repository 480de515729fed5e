using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Reconcile;
using Weft.Reconcile.Nftables;

namespace Weft.Agent;

/// <summary>
/// What of the kernel is not as desired now. For links, routes and neighbors it is what the reconcilers would do: they run against ports
/// that read the kernel and only note what would be written.
/// </summary>
internal sealed class NodeDrift(INetlink netlink, ISysctls sysctls, NftablesReconciler nftables)
{
    public ShowTable Table(DesiredState desired)
    {
        var noted = new List<string>();
        var report = new NodeReconciler(RoutingReconcilers.Create(new NotingNetlink(netlink, noted), new NotingSysctls(sysctls, noted))).Apply(desired);
        var rows = noted.Select(change => (EquatableArray<string>)["link", change, "to be written"])
            .Concat(report.AbsentLinks.Select(link => (EquatableArray<string>)["link", $"link {link}", "missing; its container took it along"]))
            .Concat(report.Failures.Select(f => (EquatableArray<string>)["link", $"{f.Object}: {f.Operation}", f.Error]));
        var nft = nftables.Drift(desired.Nft);
        rows = rows.Concat(nft.Rows.Select(r => (EquatableArray<string>)["nft", Describe(r), r.Detail]));
        if (nft.Error is not null)
            rows = rows.Append(["nft", "cannot be read", nft.Error]);
        return new ShowTable("drift", ["LAYER", "OBJECT", "DETAIL"], rows.ToEquatableArray());
    }

    private static string Describe(NftDriftRow row) =>
        $"{row.Kind} {row.Container}{(row.Item.Length > 0 ? $" {row.Item}" : "")} {row.Difference.ToString().ToLowerInvariant()}";

    private sealed class NotingNetlink(INetlink kernel, List<string> noted) : INetlink
    {
        public IReadOnlyList<NetlinkResult> Execute(IReadOnlyList<NetlinkRequest> requests)
        {
            noted.AddRange(requests.Select(r => r.Describe()));
            return [.. requests.Select(_ => default(NetlinkResult))];
        }

        public IReadOnlyList<ObservedLink> Links() => kernel.Links();

        public ObservedLink? FindLink(string name) => kernel.FindLink(name);

        public int? IndexOf(string name) => kernel.IndexOf(name);

        public IReadOnlyList<ObservedAddress> Addresses(string? link = null) => kernel.Addresses(link);

        public IReadOnlyList<ObservedRoute> Routes(byte? protocol = null) => kernel.Routes(protocol);

        public IReadOnlyList<ObservedNeighbor> Neighbors(string? link = null) => kernel.Neighbors(link);

        public IReadOnlyList<ForwardingEntry> ForwardingEntries(string link) => kernel.ForwardingEntries(link);

        public IReadOnlyList<ObservedQdisc> Qdiscs() => kernel.Qdiscs();

        public IReadOnlyList<ObservedRedirect> Redirects(string link) => kernel.Redirects(link);

        public IAsyncEnumerable<NetlinkEvent> Monitor(NetlinkTopics topics, CancellationToken cancellation) => kernel.Monitor(topics, cancellation);

        public void Dispose()
        {
            // The kernel's port is not ours to close.
        }
    }

    private sealed class NotingSysctls(ISysctls kernel, List<string> noted) : ISysctls
    {
        public string? Read(string path) => kernel.Read(path);

        public void Write(string path, string value) => noted.Add($"set {path} to {value}");
    }
}
