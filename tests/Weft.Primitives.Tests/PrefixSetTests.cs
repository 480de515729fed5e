using CsCheck;

namespace Weft.Primitives.Tests;

public sealed class PrefixSetTests
{
    // All inside 10.0.0.0/27, so that every address can be tried.
    private static readonly Gen<IpPrefix[]> Prefixes =
        Gen.Select(Gen.Int[0, 31], Gen.Int[27, 32], (a, l) => new IpPrefix(IpPrefix.Parse("10.0.0.0/27").AddressAt((uint)a), l)).Array[0, 6];

    private static IEnumerable<IpPrefix> Every => Enumerable.Range(0, 32).Select(i => IpPrefix.Host(IpPrefix.Parse("10.0.0.0/27").AddressAt((uint)i)));

    [Fact]
    public void A_union_covers_what_its_parts_cover_once() => Prefixes.Sample(parts =>
    {
        var union = PrefixSet.Union(parts);
        Assert.All(Every, a => Assert.Equal(parts.Any(p => p.Contains(a)) ? 1 : 0, union.Count(p => p.Contains(a))));
        Assert.Equal(union.Order(), union);
    });

    [Fact]
    public void A_difference_covers_what_is_in_the_first_and_not_in_the_second() => Gen.Select(Prefixes, Prefixes).Sample((from, holes) =>
    {
        var rest = PrefixSet.Subtract(from, holes);
        Assert.All(Every, a => Assert.Equal(
            from.Any(p => p.Contains(a)) && !holes.Any(p => p.Contains(a)) ? 1 : 0, rest.Count(p => p.Contains(a))));
    });

    [Theory]
    [InlineData("0.0.0.0/0", "255.255.255.255/32", 32)]
    [InlineData("::/0", "::/128", 128)]
    [InlineData("10.0.0.0/8", "10.0.0.0/8", 0)]
    [InlineData("10.0.0.0/8", "fd00::/8", 1)]
    public void One_host_less_costs_a_prefix_a_bit(string from, string hole, int count) =>
        Assert.Equal(count, PrefixSet.Subtract([IpPrefix.Parse(from)], [IpPrefix.Parse(hole)]).Count);
}
