using System.Net;
using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Reconcile.Nftables;

namespace Weft.Agent;

/// <summary>What of one attachment's share of the node's datapath is not as desired now: its routes, neighbor entries, limits, host ports and the rules that judge its packets.</summary>
internal sealed class AttachmentDrift(INetlink netlink, NftablesReconciler nftables)
{
    /// <summary>One sentence each; empty when all is as desired. Reads the kernel and writes nothing.</summary>
    public IReadOnlyList<string> Find(Attachment attachment, DesiredState desired)
    {
        var problems = new List<string>();
        try
        {
            Routing(attachment.HostInterface, desired.Routing, problems);
            problems.AddRange(CapabilityDrift.Limits(netlink, attachment, desired.Routing));
        }
        catch (KernelException e)
        {
            problems.Add(e.Message);
        }
        var report = nftables.Drift(desired.Nft);
        if (report.Error is { } error)
            problems.Add(error);
        var mine = new Relevance(attachment, desired.Nft);
        problems.AddRange(report.Rows.Where(r => mine.Concerns(r) || CapabilityDrift.ConcernsHostPorts(attachment, r)).Select(r =>
            $"nftables {r.Kind} {r.Container}{(r.Item.Length > 0 ? $" {r.Item}" : "")} is {r.Difference.ToString().ToLowerInvariant()}"));
        return problems;
    }

    private void Routing(string link, RoutingState desired, List<string> problems)
    {
        if (netlink.FindLink(link) is not { } observed)
        {
            problems.Add($"the node's end {link} is missing");
            return;
        }
        if (desired.Links.FirstOrDefault(l => l.Name == link) is { } wanted && observed.Mtu != wanted.Mtu)
            problems.Add($"the node's end {link} has the MTU {observed.Mtu} instead of {wanted.Mtu}");
        var routes = netlink.Routes();
        foreach (var route in desired.Routes.Where(r => r.Link == link))
            if (!routes.Any(r => r.Route.Destination == route.Destination && r.Route.Link == link && !r.Dead && Equals(r.Route.Gateway, route.Gateway)))
                problems.Add($"the route {route.Destination} dev {link} is missing");
        var neighbors = netlink.Neighbors(link);
        foreach (var neighbor in desired.Neighbors.Where(n => n.Link == link))
            if (!neighbors.Any(n => n.Permanent && n.Address.Equals(neighbor.Address) && n.Mac == neighbor.Mac))
                problems.Add($"the neighbor entry of {neighbor.Address} with {neighbor.Mac} is missing on {link}");
    }

    /// <summary>
    /// Which rows of drift concern the attachment: the table and the chains that every packet passes, the elements that name its address or link, and
    /// whatever lies on the way from there (its policies' chains with their sets). Other pods' policies and Services are left out.
    /// </summary>
    private sealed class Relevance
    {
        private readonly HashSet<string> _keys;
        private readonly HashSet<string> _chains = new(StringComparer.Ordinal);
        private readonly HashSet<string> _wholeSets = new(StringComparer.Ordinal);
        private readonly HashSet<string> _keyedSets = new(StringComparer.Ordinal);
        private readonly NftTable _table;

        public Relevance(Attachment attachment, NftTable table)
        {
            _table = table;
            _keys = [.. attachment.Addresses.Select(a => a.ToString()), attachment.HostInterface];
            foreach (var chain in table.Chains.Where(c => c.Hook is not null))
                Follow(chain, common: true);
        }

        public bool Concerns(NftDriftRow row) => row.Kind switch
        {
            "table" => true,
            "chain" or "rule" => _chains.Contains(row.Container),
            "set" or "map" => _wholeSets.Contains(row.Container) || _keyedSets.Contains(row.Container),
            _ => _wholeSets.Contains(row.Container) || (_keyedSets.Contains(row.Container) && IsMine(row.Item)),
        };

        private bool IsMine(string key) => key.Split(" . ").Any(part => _keys.Contains(part.Trim('"')));

        // In what all packets pass, sets speak of everybody; behind a jump on this attachment's address they speak of it.
        private void Follow(NftChain chain, bool common)
        {
            if (!_chains.Add(chain.Name))
                return;
            foreach (var expression in chain.Rules.SelectMany(r => r.Expressions))
            {
                switch (expression)
                {
                    case NftLookup lookup:
                        (common ? _keyedSets : _wholeSets).Add(lookup.Set);
                        break;
                    case NftVerdictMap map:
                        FollowMap(map.Map);
                        break;
                    case NftVerdictStatement { Verdict.Chain: { } next }:
                        FollowName(next, common);
                        break;
                }
            }
        }

        private void FollowMap(string name)
        {
            _keyedSets.Add(name);
            foreach (var element in _table.Sets.FirstOrDefault(s => s.Name == name)?.Elements ?? [])
                if (element.Verdict?.Chain is { } chain && element.Key.Any(Names))
                    FollowName(chain, common: false);
        }

        private bool Names(NftValue value) => value switch
        {
            NftAddress address => _keys.Contains(address.Address.ToString()),
            NftText text => _keys.Contains(text.Text),
            _ => false,
        };

        private void FollowName(string name, bool common)
        {
            if (_table.Chains.FirstOrDefault(c => c.Name == name) is { } chain)
                Follow(chain, common);
        }
    }
}
