using System.Net;
using Weft.Model.Dns;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

/// <summary>Names that containers of one network have for each other (CNI CONVENTIONS.md, "aliases").</summary>
public sealed class AliasTests
{
    private static readonly IPAddress Member = IPAddress.Parse("10.244.1.5");
    private static readonly IPAddress Other = IPAddress.Parse("10.244.1.6");
    private static readonly IPAddress Stranger = IPAddress.Parse("10.244.1.7");

    private static readonly AliasIndex Aliases = new(
    [
        new DnsAliases("front", [Member], [Set("db", "10.244.1.20", "fd00:244::20", "10.244.1.21"), Set("web.default.svc.cluster.local", "10.9.9.9")]),
        new DnsAliases("back", [Other], [Set("db", "10.244.1.30")]),
    ]);

    private static DnsRecordSet Set(string name, params string[] addresses) => new(name, [.. addresses.Select(a => (DnsRecord)new DnsAddress(IPAddress.Parse(a)))]);

    private static (DnsVerdict Verdict, DnsResponseCode Code, string Records) Ask(IPAddress client, string name, string type = "A")
    {
        var response = new byte[DnsLimits.UnfragmentedUdp];
        var outcome = DnsResolver.Answer(Messages.Query(name, type), TestZone.Index, response, tcp: false, rotation: 0, canForward: true, Aliases, client);
        if (outcome.Verdict != DnsVerdict.Reply)
            return (outcome.Verdict, default, "");
        var (_, code, records) = Messages.Read(response.AsSpan(0, outcome.Length));
        return (outcome.Verdict, code, string.Join("; ", records));
    }

    [Fact]
    public void AMemberIsToldAllAddressesByBothNames()
    {
        Assert.Equal((DnsVerdict.Reply, DnsResponseCode.NoError, "db 5 A 10.244.1.20; db 5 A 10.244.1.21"), Ask(Member, "db"));
        Assert.Equal("db.front 5 A 10.244.1.20; db.front 5 A 10.244.1.21", Ask(Member, "DB.Front").Records.Replace("DB.Front", "db.front", StringComparison.Ordinal));
        Assert.Equal("db 5 AAAA fd00:244::20", Ask(Member, "db", "AAAA").Records);
    }

    [Fact]
    public void EachNetworkHasItsOwnAndStrangersHaveNone()
    {
        Assert.Equal("db 5 A 10.244.1.30", Ask(Other, "db").Records);
        Assert.Equal(DnsVerdict.Forward, Ask(Other, "db.front").Verdict);
        Assert.Equal(DnsVerdict.Forward, Ask(Stranger, "db").Verdict);
        Assert.Equal(DnsVerdict.Forward, Ask(Member, "cache").Verdict);
    }

    [Fact]
    public void AFamilyWithoutAnAddressIsNoErrorAndNotForwarded()
    {
        var (verdict, code, records) = Ask(Other, "db", "AAAA");
        Assert.Equal((DnsVerdict.Reply, DnsResponseCode.NoError), (verdict, code));
        Assert.Contains("SOA", records, StringComparison.Ordinal);
    }

    [Fact]
    public void TheClustersNamesWin() =>
        Assert.Equal("web.default.svc.cluster.local 5 A 10.96.0.20", Ask(Member, "web.default.svc.cluster.local").Records);
}
