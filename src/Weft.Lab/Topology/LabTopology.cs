using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Weft.Primitives;

namespace Weft.Lab.Topology;

/// <summary>A node of a lab and the addresses the plan gives it.</summary>
/// <param name="Index">From 0.</param>
public sealed record LabNode(string Name, int Index, EquatableArray<IPAddress> Addresses, EquatableArray<IpPrefix> PodCidrs, string Zone);

/// <summary>
/// What a lab is, as plain configuration: its whole addressing follows from the name, the number of nodes and the family, so that
/// nothing but these needs to survive a crash.
/// </summary>
/// <param name="Mtu">MTU of the underlay in bytes.</param>
public sealed partial record LabTopology(string Name, int NodeCount, IpFamily Family, int Mtu = 1500)
{
    /// <summary>Nodes are numbered in one octet of the underlay and of the pod prefix.</summary>
    public const int MaxNodes = 200;

    public const string DefaultName = "weft";

    public const string ClusterDomain = "cluster.local";

    private const int FirstNodeHost = 11;

    /// <summary>Checked: a lab of these parameters can be built.</summary>
    /// <exception cref="ArgumentException">Says which parameter is wrong and what to use instead.</exception>
    public static LabTopology Create(string name, int nodes, IpFamily family, int mtu = 1500)
    {
        ThrowIfBadName(name);
        if (nodes is < 1 or > MaxNodes)
            throw new ArgumentException($"--nodes {nodes}: a lab has 1 to {MaxNodes} nodes");
        if (mtu is < 1280 or > 65535)
            throw new ArgumentException($"--mtu {mtu}: use 1280 (the least that IPv6 allows, RFC 8200 section 5) to 65535");
        return new LabTopology(name, nodes, family, mtu);
    }

    /// <summary>
    /// A name holds no hyphen: what belongs to a lab is found again by the prefix <c>weft-NAME-</c>, and lab <c>a</c> must not take
    /// what belongs to lab <c>a-b</c>.
    /// </summary>
    public static void ThrowIfBadName(string name)
    {
        if (!NamePattern().IsMatch(name))
            throw new ArgumentException($"lab name \"{name}\": use 1 to 20 lower-case letters and digits, beginning with a letter");
    }

    public IEnumerable<LabNode> Nodes
    {
        get
        {
            for (int i = 0; i < NodeCount; i++)
                yield return Node(i);
        }
    }

    public IReadOnlyList<IpPrefix> UnderlayCidrs => OfFamily("172.30.0.0/24", "fd00:30::/64");

    public IReadOnlyList<IpPrefix> ClusterCidrs => OfFamily("10.244.0.0/16", "fd00:244::/56");

    public IReadOnlyList<IpPrefix> ServiceCidrs => OfFamily("10.96.0.0/16", "fd00:96::/112");

    public IReadOnlyList<IPAddress> DnsAddresses => AddressOf("10.96.0.10", "fd00:96::a");

    /// <summary>The bridge: the nodes' default gateway, where the API listens for agents and pods.</summary>
    public IReadOnlyList<IPAddress> BridgeAddresses => AddressOf("172.30.0.1", "fd00:30::1");

    /// <summary>A host beyond the cluster: it knows the underlay and nothing of pods.</summary>
    public IReadOnlyList<IPAddress> OutsideAddresses => AddressOf("172.30.0.2", "fd00:30::2");

    public LabNode Node(int index)
    {
        var addresses = AddressOf($"172.30.0.{FirstNodeHost + index}", $"fd00:30::{FirstNodeHost + index:x}");
        var cidrs = OfFamily($"10.244.{index}.0/24", $"fd00:244:0:{index:x}::/64");
        return new LabNode($"node{index + 1}", index, addresses.ToEquatableArray(), cidrs.ToEquatableArray(), $"zone-{(char)('a' + (index % 3))}");
    }

    public LabNode? FindNode(string name) => Nodes.FirstOrDefault(n => n.Name == name);

    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["nodes"] = NodeCount,
        ["ipFamily"] = Family.ToText(),
        ["mtu"] = Mtu,
    };

    /// <exception cref="FormatException">The text is not a topology.</exception>
    public static LabTopology Parse(string json)
    {
        try
        {
            var node = JsonNode.Parse(json)!;
            return Create(
                (string)node["name"]!, (int)node["nodes"]!, IpFamilies.Parse((string)node["ipFamily"]!), (int?)node["mtu"] ?? 1500);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or NullReferenceException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException($"the lab's topology cannot be read: {e.Message}", e);
        }
    }

    private List<IpPrefix> OfFamily(string ipv4, string ipv6)
    {
        var list = new List<IpPrefix>(2);
        if (Family.HasIPv4())
            list.Add(IpPrefix.Parse(ipv4));
        if (Family.HasIPv6())
            list.Add(IpPrefix.Parse(ipv6));
        return list;
    }

    private List<IPAddress> AddressOf(string ipv4, string ipv6)
    {
        var list = new List<IPAddress>(2);
        if (Family.HasIPv4())
            list.Add(IPAddress.Parse(ipv4));
        if (Family.HasIPv6())
            list.Add(IPAddress.Parse(ipv6));
        return list;
    }

    [GeneratedRegex("^[a-z][a-z0-9]{0,19}$")]
    private static partial Regex NamePattern();
}
