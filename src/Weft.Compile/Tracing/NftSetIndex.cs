using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Tracing;

/// <summary>Looks keys up in a set as the kernel does: exact keys by hash, keys with prefixes or ranges one by one.</summary>
internal sealed class NftSetIndex
{
    private readonly Dictionary<EquatableArray<NftValue>, NftElement> _exact = [];
    private readonly List<NftElement> _intervals = [];

    public NftSetIndex(NftSet set)
    {
        foreach (var element in set.Elements)
        {
            if (element.Key.Any(v => v is NftPrefix or NftAddressRange or NftRange))
                _intervals.Add(element);
            else
                _exact[element.Key] = element;
        }
    }

    public NftElement? Find(EquatableArray<NftValue> key)
    {
        if (_exact.TryGetValue(key, out var element))
            return element;
        foreach (var candidate in _intervals)
        {
            var all = candidate.Key.Count == key.Count;
            for (var i = 0; all && i < key.Count; i++)
                all = Covers(candidate.Key[i], key[i]);
            if (all)
                return candidate;
        }
        return null;
    }

    public static bool Covers(NftValue constant, NftValue value) => (constant, value) switch
    {
        (NftPrefix prefix, NftAddress address) => prefix.Prefix.Contains(address.Address),
        (NftAddressRange range, NftAddress address) => range.First.AddressFamily == address.Address.AddressFamily
            && IpPrefix.ToBits(range.First) <= IpPrefix.ToBits(address.Address)
            && IpPrefix.ToBits(address.Address) <= IpPrefix.ToBits(range.Last),
        (NftRange range, NftNumber number) => range.First <= number.Number && number.Number <= range.Last,
        _ => constant == value,
    };
}
