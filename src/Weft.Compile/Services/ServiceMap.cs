using System.Globalization;
using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Services;

/// <summary>How a translated connection is treated.</summary>
[Flags]
internal enum ServiceMode { Plain = 0, Masquerade = 1, Sticky = 2 }

/// <summary>
/// A pair of flat maps: key → chain for so many endpoints, and key with index → backend. There is one chain per number of endpoints (and
/// mode), however many Services there are: nftables loads that in linear time and adds a Service with a few elements.
/// </summary>
internal sealed class ServiceMap
{
    private readonly string _prefix;
    private readonly string _subject;
    private readonly Family _family;
    private readonly EquatableArray<NftField> _fields;
    private readonly EquatableArray<NftType> _key;
    private readonly List<NftElement> _counts = [];
    private readonly List<NftElement> _backends = [];
    private readonly SortedSet<(int Count, ServiceMode Mode)> _chains = [];

    /// <param name="prefix">Begins the names of the maps and chains.</param>
    /// <param name="family">Family of the backends.</param>
    /// <param name="byAddress">Whether the key begins with the destination address, or is protocol and port alone.</param>
    /// <param name="subject">What is translated, for the causes of rules.</param>
    public ServiceMap(string prefix, Family family, bool byAddress, string subject = "Services")
    {
        _prefix = prefix;
        _subject = subject;
        _family = family;
        _fields = byAddress
            ? [family.Destination, NftField.Protocol, NftField.DestinationPort]
            : [NftField.Protocol, NftField.DestinationPort];
        _key = byAddress ? [family.AddressType, NftType.InetProto, NftType.InetService] : [NftType.InetProto, NftType.InetService];
    }

    public EquatableArray<NftField> Fields => _fields;

    public EquatableArray<NftType> KeyTypes => _key;

    private string CountsName => $"{_prefix}-{_family.Digit}";

    private string BackendsName => $"{_prefix}-backends-{_family.Digit}";

    public NftVerdictMap Lookup => new(_fields, CountsName);

    public static EquatableArray<NftValue> Key(IPAddress? address, Protocol protocol, int port) => address is null
        ? [NftValue.Of(protocol), NftValue.Of(port)]
        : [NftValue.Of(address), NftValue.Of(protocol), NftValue.Of(port)];

    public void Add(EquatableArray<NftValue> key, IReadOnlyList<Backend> backends, ServiceMode mode)
    {
        _chains.Add((backends.Count, mode));
        _counts.Add(new NftElement(key, Verdict: NftVerdict.Goto(ChainName(backends.Count, mode))));
        for (var i = 0; i < backends.Count; i++)
        {
            NftValue[] indexed = [.. key, NftValue.Of(i)];
            _backends.Add(new NftElement(
                EquatableArray.Create<NftValue>(indexed), [NftValue.Of(backends[i].Address), NftValue.Of(backends[i].Port)]));
        }
    }

    public void AddTo(NftParts parts)
    {
        parts.Sets.Add(new NftSet(CountsName, _key, [NftType.Verdict], Interval: false, _counts.ToEquatableArray()));
        NftType[] indexed = [.. _key, NftType.Numgen];
        parts.Sets.Add(new NftSet(
            BackendsName,
            EquatableArray.Create<NftType>(indexed),
            [_family.AddressType, NftType.InetService],
            Interval: false,
            _backends.ToEquatableArray()));
        foreach (var (count, mode) in _chains)
            parts.Chains.Add(Chain(count, mode));
    }

    private NftChain Chain(int count, ServiceMode mode)
    {
        var cause = $"{_subject}: one of {count.ToString(CultureInfo.InvariantCulture)} endpoints";
        var rules = new List<NftRule>(2);
        if (mode.HasFlag(ServiceMode.Masquerade))
        {
            rules.Add(NftParts.Rule(
                "Services: the reply must come back through this node", new NftSetMark(WeftNames.MasqueradeMark, WeftNames.MasqueradeMark)));
        }
        rules.Add(NftParts.Rule(cause, new NftDnat(_family.IPv6, _fields, count, BackendsName, mode.HasFlag(ServiceMode.Sticky))));
        return new NftChain(ChainName(count, mode), null, rules.ToEquatableArray());
    }

    private string ChainName(int count, ServiceMode mode) => string.Create(CultureInfo.InvariantCulture,
        $"{_prefix}-{_family.Digit}-n{count}{(mode.HasFlag(ServiceMode.Masquerade) ? "-masq" : "")}{(mode.HasFlag(ServiceMode.Sticky) ? "-sticky" : "")}");
}
