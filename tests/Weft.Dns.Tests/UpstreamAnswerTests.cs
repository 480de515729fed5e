using CsCheck;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

public class UpstreamAnswerTests
{
    private static readonly DnsQuestion Question = new("a.test", DnsType.A, false, false);

    private delegate bool Write(ref DnsWriter writer);

    private static byte[] Message(ushort id, int code, string name, ushort answers, ushort authorities, params Write[] records)
    {
        var buffer = new byte[1000];
        var writer = new DnsWriter(buffer, buffer.Length);
        writer.WriteQuestion(name, DnsType.A);
        foreach (var record in records)
            Assert.True(record(ref writer));
        writer.WriteHeader(new DnsHeader(id, (ushort)(DnsHeader.Response | code), 1, answers, authorities, 0));
        return buffer[..writer.Length];
    }

    private static UpstreamAnswer? Parse(byte[] message) => UpstreamAnswer.Parse(message, 7, Question, out _);

    [Fact]
    public void Compressed_names_in_data_are_spelled_out()
    {
        var answer = Parse(Message(7, 0, "A.test", 1, 0, (ref DnsWriter w) => w.WriteNameRecord("a.test", DnsType.Cname, 60, "b.test")))!;
        var record = Assert.Single(answer.Records);
        Assert.Equal("\u0001b\u0004test\0"u8.ToArray(), record.Data);
        Assert.Equal(60u, answer.LifetimeSeconds);
    }

    // RFC 5452 section 9.1: what does not match the question is not its answer.
    [Fact]
    public void Answers_to_something_else_are_ignored()
    {
        Assert.Null(Parse(Message(8, 0, "a.test", 0, 0)));
        Assert.Null(Parse(Message(7, 0, "b.test", 0, 0)));
        var query = Message(7, 0, "a.test", 0, 0);
        query[2] = 0;
        Assert.Null(Parse(query));
    }

    // RFC 2308 section 5.
    [Theory]
    [InlineData(3, 20u, 10u, 10u)]
    [InlineData(3, 5u, 10u, 5u)]
    [InlineData(0, 5000u, 5000u, 30u)]
    [InlineData(2, 20u, 10u, 0u)]
    public void How_long_an_absence_is_remembered(int code, uint ttl, uint minimum, uint expected) => Assert.Equal(
        expected, Parse(Message(7, code, "a.test", 0, 1, (ref DnsWriter w) => w.WriteSoa("test", ttl, "ns.test", "m.test", 1, minimum)))!.LifetimeSeconds);

    [Fact]
    public void An_absence_without_SOA_is_not_remembered() => Assert.Equal(0u, Parse(Message(7, 3, "a.test", 0, 0))!.LifetimeSeconds);

    [Fact]
    public void Any_bytes_are_read_or_refused_with_an_error_of_ours()
    {
        var seed = Message(
            7, 0, "a.test", 2, 1,
            (ref DnsWriter w) => w.WriteNameRecord("a.test", DnsType.Cname, 60, "b.test"),
            (ref DnsWriter w) => w.WriteService("b.test", 60, 1, 2, 3, "c.test"),
            (ref DnsWriter w) => w.WriteSoa("test", 60, "ns.test", "m.test", 1, 5));
        Gen.Select(Gen.Int[12, seed.Length - 1], Gen.Byte).Array[1, 5].Sample(edits =>
        {
            var bytes = (byte[])seed.Clone();
            foreach (var (at, value) in edits)
                bytes[at] = value;
            try
            {
                Parse(bytes);
            }
            catch (DnsFormatException)
            {
            }
        }, iter: 20_000);
    }
}
