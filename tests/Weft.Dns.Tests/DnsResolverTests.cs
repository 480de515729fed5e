using System.Text;
using CsCheck;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

public class DnsResolverTests
{
    private const string Soa = "! cluster.local 5 SOA ns.dns.cluster.local";

    private static (string Flags, DnsResponseCode Code, List<string> Records) Ask(string name, string type, bool tcp = false, DnsEdns? edns = null, uint rotation = 0) =>
        Messages.Read(Reply(Messages.Query(name, type, edns), tcp, rotation));

    private static byte[] Reply(byte[] query, bool tcp = false, uint rotation = 0)
    {
        var response = new byte[DnsLimits.Tcp];
        var outcome = DnsResolver.Answer(query, TestZone.Index, response, tcp, rotation);
        Assert.Equal(DnsVerdict.Reply, outcome.Verdict);
        return response[..outcome.Length];
    }

    // Kubernetes DNS specification 1.1.0; the section is named on each line.
    [Theory]
    // 2.2
    [InlineData("dns-version.cluster.local", "TXT", "dns-version.cluster.local 5 TXT \"1.1.0\"")]
    // 2.3.1
    [InlineData("web.default.svc.cluster.local", "A", "web.default.svc.cluster.local 5 A 10.96.0.20")]
    [InlineData("web.default.svc.cluster.local", "AAAA", "web.default.svc.cluster.local 5 AAAA fd00:96::20")]
    // 2.3.2
    [InlineData("_http._tcp.web.default.svc.cluster.local", "SRV", "_http._tcp.web.default.svc.cluster.local 5 SRV 0 100 80 web.default.svc.cluster.local|+ web.default.svc.cluster.local 5 A 10.96.0.20|+ web.default.svc.cluster.local 5 AAAA fd00:96::20")]
    // 2.3.3
    [InlineData("20.0.96.10.in-addr.arpa", "PTR", "20.0.96.10.in-addr.arpa 5 PTR web.default.svc.cluster.local")]
    [InlineData("0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa", "PTR", "0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa 5 PTR web.default.svc.cluster.local")]
    // 2.4.1
    [InlineData("db.default.svc.cluster.local", "A", "db.default.svc.cluster.local 5 A 10.244.1.5|db.default.svc.cluster.local 5 A 10.244.2.5")]
    [InlineData("db-1.db.default.svc.cluster.local", "A", "db-1.db.default.svc.cluster.local 5 A 10.244.2.5")]
    // 2.4.2
    [InlineData("_sql._tcp.db.default.svc.cluster.local", "SRV", "_sql._tcp.db.default.svc.cluster.local 5 SRV 0 50 5432 db-0.db.default.svc.cluster.local|_sql._tcp.db.default.svc.cluster.local 5 SRV 0 50 5432 db-1.db.default.svc.cluster.local|+ db-0.db.default.svc.cluster.local 5 A 10.244.1.5|+ db-1.db.default.svc.cluster.local 5 A 10.244.2.5")]
    // 2.4.3
    [InlineData("5.1.244.10.in-addr.arpa", "PTR", "5.1.244.10.in-addr.arpa 5 PTR db-0.db.default.svc.cluster.local")]
    // 2.5, to a name of the zone
    [InlineData("home.default.svc.cluster.local", "A", "home.default.svc.cluster.local 5 CNAME web.default.svc.cluster.local|web.default.svc.cluster.local 5 A 10.96.0.20")]
    [InlineData("ext.default.svc.cluster.local", "CNAME", "ext.default.svc.cluster.local 5 CNAME www.Example.com")]
    // 2.6
    [InlineData("10-244-1-5.default.pod.cluster.local", "A", "10-244-1-5.default.pod.cluster.local 5 A 10.244.1.5")]
    [InlineData("fd00-244--5.kube-system.pod.cluster.local", "AAAA", "fd00-244--5.kube-system.pod.cluster.local 5 AAAA fd00:244::5")]
    // RFC 1035: the apex has SOA and NS.
    [InlineData("cluster.local", "SOA", "cluster.local 5 SOA ns.dns.cluster.local")]
    [InlineData("cluster.local", "NS", "cluster.local 5 NS ns.dns.cluster.local")]
    [InlineData("ns.dns.cluster.local", "A", "ns.dns.cluster.local 5 A 10.96.0.10")]
    public void Answers(string name, string type, string expected)
    {
        var (flags, code, records) = Ask(name, type, edns: new DnsEdns(1232, 0, 0, false));
        Assert.Equal(("qr aa rd ra", DnsResponseCode.NoError), (flags, code));
        Assert.Equal(expected.Split('|'), records.Where(r => !r.Contains("OPT", StringComparison.Ordinal)));
    }

    // RFC 2308 section 2: both kinds of negative answer carry the SOA record.
    [Theory]
    [InlineData("nothing.default.svc.cluster.local", "A")]
    [InlineData("web.nowhere.svc.cluster.local", "A")]
    [InlineData("x.web.default.svc.cluster.local", "A")]
    [InlineData("nothing.cluster.local", "A")]
    [InlineData("10-244-1-5.nowhere.pod.cluster.local", "A")]
    [InlineData("10-244-1.default.pod.cluster.local", "A")]
    [InlineData("010-244-1-5.default.pod.cluster.local", "A")]
    [InlineData("10-244-1-256.default.pod.cluster.local", "A")]
    [InlineData("web.default.pod.cluster.local", "A")]
    public void Names_that_do_not_exist(string name, string type)
    {
        var (flags, code, records) = Ask(name, type);
        Assert.Equal(("qr aa rd ra", DnsResponseCode.NameError), (flags, code));
        Assert.Equal([Soa], records);
    }

    [Theory]
    [InlineData("web.default.svc.cluster.local", "MX")]
    [InlineData("db.default.svc.cluster.local", "AAAA")]
    [InlineData("10-244-1-5.default.pod.cluster.local", "AAAA")]
    [InlineData("cluster.local", "A")]
    // RFC 8020: what lies above a name exists.
    [InlineData("svc.cluster.local", "A")]
    [InlineData("default.svc.cluster.local", "A")]
    [InlineData("kube-system.svc.cluster.local", "A")]
    [InlineData("default.pod.cluster.local", "A")]
    [InlineData("_tcp.web.default.svc.cluster.local", "SRV")]
    [InlineData("dns.cluster.local", "A")]
    public void Names_without_such_records(string name, string type)
    {
        var (flags, code, records) = Ask(name, type);
        Assert.Equal(("qr aa rd ra", DnsResponseCode.NoError), (flags, code));
        Assert.Equal([Soa], records);
    }

    [Fact]
    public void A_reverse_name_of_the_cluster_that_nobody_has_does_not_exist() =>
        Assert.Equal(DnsResponseCode.NameError, Ask("99.9.244.10.in-addr.arpa", "PTR").Code);

    [Theory]
    [InlineData("example.com", "A")]
    [InlineData("local", "A")]
    [InlineData("notcluster.local", "A")]
    [InlineData("1.2.0.192.in-addr.arpa", "PTR")]
    [InlineData("244.10.in-addr.arpa", "NS")]
    [InlineData("", "NS")]
    public void Other_names_are_for_the_upstream_servers(string name, string type)
    {
        var response = new byte[512];
        var outcome = DnsResolver.Answer(Messages.Query(name, type), TestZone.Index, response, false, 0);
        Assert.Equal((DnsVerdict.Forward, new DnsQuestion(name, Messages.TypeOf(type), false, false)), (outcome.Verdict, outcome.Question));
        outcome = DnsResolver.Answer(Messages.Query(name, type), TestZone.Index, response, false, 0, canForward: false);
        Assert.Equal(DnsResponseCode.Refused, Messages.Read(response.AsSpan(0, outcome.Length)).Code);
    }

    [Fact]
    public void An_external_name_is_resolved_upstream_and_answered_together()
    {
        var query = Messages.Query("EXT.default.svc.cluster.local", "A");
        var response = new byte[512];
        var outcome = DnsResolver.Answer(query, TestZone.Index, response, false, 0);
        Assert.Equal((DnsVerdict.Forward, "www.example.com"), (outcome.Verdict, outcome.Question.Name));
        var answer = new UpstreamAnswer(DnsResponseCode.NoError, [new UpstreamRecord(DnsSection.Answer, "www.example.com", DnsType.A, 1, 300, [192, 0, 2, 1])], 300);
        outcome = DnsResolver.Complete(query, TestZone.Index, answer, 100, response, false);
        var (_, code, records) = Messages.Read(response.AsSpan(0, outcome.Length));
        Assert.Equal(DnsResponseCode.NoError, code);
        Assert.Equal(["EXT.default.svc.cluster.local 5 CNAME www.Example.com", "www.Example.com 200 A 192.0.2.1"], records);
        outcome = DnsResolver.Complete(query, TestZone.Index, null, 0, response, false);
        Assert.Equal(DnsResponseCode.ServerFailure, Messages.Read(response.AsSpan(0, outcome.Length)).Code);
    }

    [Fact]
    public void Aliases_in_a_circle_end()
    {
        var (_, code, records) = Ask("round.default.svc.cluster.local", "A", tcp: true);
        Assert.Equal(DnsResponseCode.NoError, code);
        Assert.InRange(records.Count, 1, 10);
    }

    // RFC 4343: compared without case; the question comes back as it was asked, and so does the owner's name.
    [Fact]
    public void Case_is_ignored_and_kept()
    {
        var query = Messages.Query("WeB.DeFault.svc.CLUSTER.local", "A");
        var reply = Reply(query);
        Assert.Equal(query.AsSpan(12).ToArray(), reply.AsSpan(12, query.Length - 12).ToArray());
        Assert.Equal(["WeB.DeFault.svc.CLUSTER.local 5 A 10.96.0.20"], Messages.Read(reply).Records);
    }

    [Fact]
    public void Records_take_turns_at_being_first() =>
        Assert.Equal(
            ["db.default.svc.cluster.local 5 A 10.244.2.5", "db.default.svc.cluster.local 5 A 10.244.1.5"], Ask("db.default.svc.cluster.local", "A", rotation: 1).Records);

    // RFC 1035 section 4.2.1 and RFC 6891 section 6.2.5.
    [Theory]
    [InlineData(false, null, 512, true)]
    [InlineData(false, 100, 512, true)]
    [InlineData(false, 1100, 1100, false)]
    [InlineData(false, 65000, 1232, false)]
    [InlineData(true, null, 65535, false)]
    public void Truncation(bool tcp, int? payload, int limit, bool truncated)
    {
        var edns = payload is { } size ? new DnsEdns(size, 0, 0, false) : (DnsEdns?)null;
        var reply = Reply(Messages.Query("big.default.svc.cluster.local", "A", edns), tcp);
        Assert.InRange(reply.Length, 12, limit);
        var (flags, _, records) = Messages.Read(reply);
        Assert.Equal(truncated, flags.Contains("tc", StringComparison.Ordinal));
        Assert.Equal(!truncated, records.Count(r => r.Contains(" A ", StringComparison.Ordinal)) == 60);
        Assert.Equal(payload is not null, records.Any(r => r.Contains("OPT", StringComparison.Ordinal)));
    }

    // RFC 6891 section 6.1.3: an unknown version is BADVERS, whose upper bits stand in the OPT record.
    [Fact]
    public void An_unknown_version_of_EDNS()
    {
        var (_, code, records) = Ask("web.default.svc.cluster.local", "A", edns: new DnsEdns(1232, 0, 1, false));
        Assert.Equal(DnsResponseCode.NoError, code);
        Assert.Contains("ExtendedCode = 1,", Assert.Single(records), StringComparison.Ordinal);
    }

    [Fact]
    public void Queries_that_deserve_no_answer_or_an_error()
    {
        var good = Messages.Query("web.default.svc.cluster.local", "A");
        Assert.Equal(DnsVerdict.Drop, Outcome(good[..11]).Verdict);
        Assert.Equal(DnsVerdict.Drop, Outcome(Changed(2, 0x81)).Verdict);
        Assert.Equal(DnsResponseCode.NotImplemented, Code(Changed(2, 0x28)));
        Assert.Equal(DnsResponseCode.FormatError, Code(Changed(5, 0)));
        Assert.Equal(DnsResponseCode.FormatError, Code(Changed(5, 2)));
        Assert.Equal(DnsResponseCode.FormatError, Code(good[..^1]));
        // A pointer in the question's name.
        Assert.Equal(DnsResponseCode.FormatError, Code(Changed(12, 0xc0)));
        // Class CH.
        Assert.Equal(DnsResponseCode.Refused, Code(Changed(good.Length - 1, 3)));
        Assert.Equal(DnsResponseCode.Refused, Code(Messages.Query("cluster.local", "AXFR")));

        byte[] Changed(int at, byte value)
        {
            var bytes = (byte[])good.Clone();
            bytes[at] = value;
            return bytes;
        }

        static DnsOutcome Outcome(byte[] query) => DnsResolver.Answer(query, TestZone.Index, new byte[512], false, 0);

        static DnsResponseCode Code(byte[] query) => Messages.Read(Reply(query)).Code;
    }

    [Fact]
    public void Any_query_gets_an_outcome_and_what_is_answered_can_be_read()
    {
        var seeds = new[]
        {
            Messages.Query("web.default.svc.cluster.local", "ANY", new DnsEdns(1232, 0, 0, true)),
            Messages.Query("_sql._tcp.db.default.svc.cluster.local", "SRV"),
            Messages.Query("round.default.svc.cluster.local", "A"),
            Messages.Query("fd00-244--5.default.pod.cluster.local", "AAAA"),
        };
        var mutated = Gen.Select(Gen.Int[0, seeds.Length - 1], Gen.Select(Gen.Int[0, 60], Gen.Byte).Array[0, 5]).Select((seed, edits) =>
        {
            var bytes = (byte[])seeds[seed].Clone();
            foreach (var (at, value) in edits)
                bytes[at % bytes.Length] = value;
            return bytes;
        });
        Gen.Select(Gen.OneOf(Gen.Byte.Array[0, 60], mutated), Gen.Bool, Gen.UInt).Sample((query, tcp, rotation) =>
        {
            var response = new byte[DnsLimits.Tcp];
            var outcome = DnsResolver.Answer(query, TestZone.Index, response, tcp, rotation);
            if (outcome.Verdict == DnsVerdict.Forward)
                outcome = DnsResolver.Complete(query, TestZone.Index, null, 0, response, tcp);
            if (outcome.Verdict == DnsVerdict.Reply)
            {
                Assert.Equal(query[..2], response[..2]);
                new DnsReader(response.AsSpan(0, outcome.Length)).Header.Id.ToString();
                Assert.True(tcp || outcome.Length <= 1232);
            }
        }, iter: 20_000);
    }

    [Fact]
    public void A_name_in_the_zone_that_is_none_is_a_failure_of_its_own_query_only()
    {
        var zone = new ZoneIndex(TestZone.Zone with { Records = [new("bad.default.svc.cluster.local", [new Model.Dns.DnsAlias("a..b")])] }, [], 1);
        var query = Messages.Query("bad.default.svc.cluster.local", "A", new DnsEdns(1232, 0, 0, false));
        var response = new byte[512];
        var outcome = DnsResolver.Answer(query, zone, response, false, 0);
        Assert.Equal(DnsVerdict.Reply, outcome.Verdict);
        Assert.Equal(DnsResponseCode.ServerFailure, Messages.Read(response.AsSpan(0, outcome.Length)).Code);
        outcome = DnsResolver.Complete(query, zone, null, 0, response, false);
        Assert.Equal(DnsResponseCode.ServerFailure, Messages.Read(response.AsSpan(0, outcome.Length)).Code);
    }

    [Fact]
    public void Answers_from_the_zone_allocate_nothing()
    {
        var query = Messages.Query("Web.default.svc.cluster.local", "A", new DnsEdns(1232, 0, 0, false));
        var response = new byte[1232];
        for (var i = 0; i < 100; i++)
            DnsResolver.Answer(query, TestZone.Index, response, false, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            DnsResolver.Answer(query, TestZone.Index, response, false, (uint)i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
