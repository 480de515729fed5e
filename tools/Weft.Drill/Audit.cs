using System.Diagnostics;
using System.Text.Json.Nodes;
using Weft.Agent.Ipam;
using Weft.Compile;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Nftables;
using Weft.Kernel.Routing;

namespace Weft.Drill;

/// <summary>Looks, after the last call, at everything an attachment leaves in store and kernel.</summary>
internal sealed class Audit(DrillNode node, DrillRuntime runtime, DrillReport report)
{
    private const string PodLinkPrefix = "weft";
    private static readonly string Tunnel = WeftNames.VxlanLink;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task RunAsync(CancellationToken cancel)
    {
        await HeldAsync(cancel);
        await runtime.CollectAsync(0, null, cancel);
        await runtime.CollectAsync(1, null, cancel);
        await KernelAsync(cancel);
        await node.KillAgentAsync();
        using (var store = AddressStore.Open(Path.Combine(node.StateDirectory, "ipam"), TimeProvider.System))
            Expect(store.Attachments.Select(r => $"{r.Key} holds {string.Join(", ", r.Attachment.Addresses)}"), "no address is held after the last DEL and GC");
        Expect(NetNamespace.Names().Where(n => n != "beyond").Select(n => $"namespace {n} is left"), "no namespace is left");
        report.Proof($"no address was held twice at any time ({runtime.MostAddressesAtOnce} were held at most at once)");
    }

    /// <summary>Before the last GC: only what the runtime forgot may still be held, for DEL answered for all others.</summary>
    private async Task HeldAsync(CancellationToken cancel)
    {
        var forgotten = runtime.Abandoned.Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
        // An agent may still be undoing an ADD whose plugin was killed.
        var leaked = await UntilNoneAsync(() =>
        {
            return Held().Where(id => !forgotten.Contains(id));
        }, cancel);
        Expect(leaked.Select(id => $"{id} is still attached though DEL has answered"), "after DEL nothing is attached but what the runtime forgot");
    }

    /// <summary>Container ids in the journal, read without disturbing the agent that writes it.</summary>
    private IEnumerable<string> Held()
    {
        var copy = Directory.CreateTempSubdirectory("weft-drill-journal-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(node.StateDirectory, "ipam"), "*.journal"))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            using var store = AddressStore.Open(copy, TimeProvider.System);
            return [.. store.Attachments.Select(r => r.Key.ContainerId)];
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private async Task KernelAsync(CancellationToken cancel)
    {
        using var network = NetNamespace.OfProcess();
        using var netlink = RouteNetlink.Open(network);
        using var nft = new LibNftables(network.Path);
        Expect(
            await UntilNoneAsync(() => netlink.Links().Where(l => l.Name.StartsWith(PodLinkPrefix, StringComparison.Ordinal) && l.Name != Tunnel).Select(l => $"link {l.Name}"), cancel),
            "no link is left");
        Expect(
            await UntilNoneAsync(() => netlink.Links().Where(l => l.Kind == "ifb").Select(l => $"link {l.Name}"), cancel), "no shaping device is left");
        var pods = DrillNode.PodCidrs.Select(Primitives.IpPrefix.Parse).ToList();
        Expect(
            await UntilNoneAsync(() => netlink.Routes().Where(r => r.Route.Destination.IsHost && r.Route.Link != Tunnel && r.Route.Link != "lo" && pods.Any(p => p.Contains(r.Route.Destination.First)))
                .Select(r => $"route {r.Route.Destination} dev {r.Route.Link}"), cancel),
            "no route to a container is left");
        Expect(
            await UntilNoneAsync(() => netlink.Neighbors().Where(n => pods.Any(p => p.Contains(n.Address)) && n.Link != Tunnel).Select(n => $"neighbor {n.Address} dev {n.Link}"), cancel),
            "no neighbor entry is left");
        Expect(await UntilNoneAsync(() => Elements(nft, pods), cancel), "no rule or map element of a container is left");
    }

    /// <summary>Words of the nft table that are a container's address or link.</summary>
    private static IEnumerable<string> Elements(LibNftables nft, List<Primitives.IpPrefix> pods)
    {
        var listing = nft.ListTable("weft");
        if (listing.Error is { } problem)
            return [$"table inet weft cannot be read: {problem}"];
        var table = listing.Json is null ? null : JsonNode.Parse(listing.Json);
        return Strings(table).Where(text =>
            System.Net.IPAddress.TryParse(text, out var address) && pods.Any(p => p.Contains(address) && !address.Equals(p.First))
            || text.StartsWith(PodLinkPrefix, StringComparison.Ordinal) && text.Length == 15 && text[4..].All(char.IsAsciiHexDigitLower)).Distinct().Select(t => $"{t} in table inet weft");
    }

    private static IEnumerable<string> Strings(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => Strings(p.Value)),
        JsonArray a => a.SelectMany(Strings),
        JsonValue v when v.TryGetValue<string>(out var text) => [text],
        _ => [],
    };

    private static async Task<IReadOnlyList<string>> UntilNoneAsync(Func<IEnumerable<string>> find, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var found = find().ToList();
            if (found.Count == 0 || clock.Elapsed > Patience)
                return found;
            await Task.Delay(50, cancel);
        }
    }

    private void Expect(IEnumerable<string> findings, string sentence)
    {
        var any = false;
        foreach (var finding in findings)
        {
            any = true;
            report.Violation(finding);
        }
        if (!any)
            report.Proof(sentence);
    }
}
