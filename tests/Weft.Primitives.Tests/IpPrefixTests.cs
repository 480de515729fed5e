using System.Net;
using CsCheck;

namespace Weft.Primitives.Tests;

public class IpPrefixTests
{
    [Theory]
    [InlineData("10.244.1.0/24", "10.244.1.0", "10.244.1.255")]
    [InlineData("10.0.0.1/32", "10.0.0.1", "10.0.0.1")]
    [InlineData("0.0.0.0/0", "0.0.0.0", "255.255.255.255")]
    [InlineData("fd00:244::/64", "fd00:244::", "fd00:244::ffff:ffff:ffff:ffff")]
    [InlineData("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void Bounds(string text, string first, string last)
    {
        var prefix = IpPrefix.Parse(text);
        Assert.Equal(IPAddress.Parse(first), prefix.First);
        Assert.Equal(IPAddress.Parse(last), prefix.Last);
        Assert.Equal(text, prefix.ToString());
    }

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0/8")]
    [InlineData("10.0.0.0/")]
    [InlineData("fe80::1%eth0/64")]
    [InlineData("hello")]
    [InlineData("")]
    public void RefusesWhatIsNoPrefix(string text) => Assert.Throws<FormatException>(() => IpPrefix.Parse(text));

    [Fact]
    public void NamesTheCanonicalFormWhenHostBitsAreSet()
    {
        var error = Assert.Throws<FormatException>(() => IpPrefix.Parse("10.244.1.7/24"));
        Assert.Contains("10.244.1.0/24", error.Message);
    }

    [Fact]
    public void ContainsExactlyTheAddressesBetweenItsBounds() =>
        Gen.Select(Gen.UInt, Gen.Int[0, 32], Gen.UInt).Sample((bits, length, probe) =>
        {
            var prefix = new IpPrefix(IpPrefix.ToAddress(bits, false), length);
            var inside = probe >= (uint)IpPrefix.ToBits(prefix.First) && probe <= (uint)IpPrefix.ToBits(prefix.Last);
            return prefix.Contains(IpPrefix.ToAddress(probe, false)) == inside;
        });

    [Fact]
    public void OffsetsInvertAddressAt() =>
        Gen.Select(Gen.ULong, Gen.Int[64, 128], Gen.ULong).Sample((bits, length, offset) =>
        {
            var prefix = new IpPrefix(IpPrefix.ToAddress((UInt128)bits << 64, true), length);
            var at = (UInt128)offset % prefix.Size;
            return prefix.OffsetOf(prefix.AddressAt(at)) == at;
        });
}
