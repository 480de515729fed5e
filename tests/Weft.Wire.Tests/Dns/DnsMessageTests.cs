using System.Net;
using CsCheck;
using Weft.Wire.Dns;

namespace Weft.Wire.Tests.Dns;

public class DnsMessageTests
{
    private delegate bool Write(ref DnsWriter writer);

    private static byte[] Message(params Write[] records)
    {
        var buffer = new byte[2000];
        var writer = new DnsWriter(buffer, buffer.Length);
        foreach (var record in records)
            Assert.True(record(ref writer));
        return buffer[..writer.Length];
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    // RFC 1035 section 4.1.1.
    [Fact]
    public void A_header_survives_the_way_and_shows_its_bits()
    {
        var header = new DnsHeader(0x1234, 0x8583, 1, 2, 3, 4);
        var bytes = new byte[12];
        header.Write(bytes);
        Assert.Equal("123485830001000200030004", Hex(bytes));
        Assert.Equal(header, DnsHeader.Read(bytes));
        Assert.True(header.IsResponse);
        Assert.Equal((0, DnsResponseCode.NameError, false), (header.Opcode, header.Code, header.IsTruncated));
        Assert.Throws<DnsFormatException>(() => DnsHeader.Read(bytes.AsSpan(0, 11)));
    }

    // RFC 1035 section 3.2.1 for the frame of a record; 3.4.1 for A.
    [Fact]
    public void A_record() =>
        Assert.Equal("01610000010001000000050004" + "0a000001", Hex(Message((ref DnsWriter w) => w.WriteAddress("a", 5, IPAddress.Parse("10.0.0.1"))).AsSpan(12)));

    // RFC 3596 section 2.2.
    [Fact]
    public void Aaaa_record() =>
        Assert.Equal("016100001c0001000000050010" + "fd000000000000000000000000000001", Hex(Message((ref DnsWriter w) => w.WriteAddress("a", 5, IPAddress.Parse("fd00::1"))).AsSpan(12)));

    // RFC 1035 sections 3.3.1 and 4.1.4: the target is a label and a pointer to the owner's suffix.
    [Fact]
    public void Cname_record_is_compressed() =>
        Assert.Equal("0161016200" + "0005000100000005" + "0004" + "0163c00e", Hex(Message((ref DnsWriter w) => w.WriteNameRecord("a.b", DnsType.Cname, 5, "c.b")).AsSpan(12)));

    // RFC 2782: "name compression is not to be used for this field".
    [Fact]
    public void Srv_target_is_not_compressed() =>
        Assert.Equal("0162000021000100000005" + "0009" + "0001000200350162" + "00", Hex(Message((ref DnsWriter w) => w.WriteService("b", 5, 1, 2, 53, "b")).AsSpan(12)));

    // RFC 1035 section 3.3.14.
    [Fact]
    public void Txt_record_is_split_at_255_bytes()
    {
        Assert.Equal("0161000010000100000005" + "0003" + "02" + "6869", Hex(Message((ref DnsWriter w) => w.WriteText("a", 5, "hi")).AsSpan(12)));
        var split = Message((ref DnsWriter w) => w.WriteText("a", 5, new string('x', 300)))[23..];
        Assert.Equal((302, 255, 45), (split[0] << 8 | split[1], split[2], split[2 + 256]));
    }

    // RFC 1035 section 3.3.13.
    [Fact]
    public void Soa_record() => Assert.Equal(
        "0161000006000100000005" + "001c" + "016ec00c" + "016dc00c" + "00000007" + "00001c20" + "00000708" + "00015180" + "00000005",
        Hex(Message((ref DnsWriter w) => w.WriteSoa("a", 5, "n.a", "m.a", 7, 5)).AsSpan(12)));

    // RFC 6891 section 6.1.2: root name, type 41, payload size as class, extended code, version and DO in the TTL.
    [Fact]
    public void Opt_record()
    {
        var message = Message((ref DnsWriter w) => w.WriteOpt(new DnsEdns(1232, 1, 0, true)));
        Assert.Equal("00" + "0029" + "04d0" + "01008000" + "0000", Hex(message.AsSpan(12)));
        Assert.Equal(DnsWriter.OptLength, message.Length - 12);
        var reader = new DnsReader(message);
        Assert.Equal(new DnsEdns(1232, 1, 0, true), DnsEdns.From(reader.ReadRecord()));
    }

    [Fact]
    public void Compression_compares_without_case_and_keeps_the_first_spelling()
    {
        var message = Message(
            (ref DnsWriter w) => w.CopyQuestion([3, (byte)'W', (byte)'e', (byte)'B', 1, (byte)'x', 0, 0, 1, 0, 1]),
            (ref DnsWriter w) => w.WriteName("web.X"),
            (ref DnsWriter w) => w.WriteName("a.x"));
        Assert.Equal("c00c" + "0161c010", Hex(message.AsSpan(12 + 11)));
    }

    [Fact]
    public void A_name_is_no_suffix_of_itself_while_it_is_written() =>
        Assert.Equal("016101610161" + "00", Hex(Message((ref DnsWriter w) => w.WriteName("a.a.a")).AsSpan(12)));

    [Fact]
    public void What_does_not_fit_is_left_out_whole_and_forgotten()
    {
        var buffer = new byte[512];
        var writer = new DnsWriter(buffer, 12 + 20);
        Assert.True(writer.WriteAddress("a", 5, IPAddress.Parse("10.0.0.1")));
        var length = writer.Length;
        Assert.False(writer.WriteAddress("b.c", 5, IPAddress.Parse("10.0.0.2")));
        Assert.Equal(length, writer.Length);
        writer.Reserve(-100);
        // Had the writer kept what it had seen of b.c, this would be a pointer to bytes that are not there.
        Assert.True(writer.WriteName("b.c"));
        Assert.Equal("0162016300", Hex(buffer.AsSpan(length, writer.Length - length)));
    }

    [Fact]
    public void Any_names_survive_compression()
    {
        var label = Gen.Char["abAB"].Array[1, 2].Select(c => new string(c));
        label.Array[1, 5].Select(l => string.Join('.', l)).Array[1, 40].Sample(names =>
        {
            var buffer = new byte[4096];
            Random.Shared.NextBytes(buffer);
            var writer = new DnsWriter(buffer, buffer.Length);
            foreach (var name in names)
                Assert.True(writer.WriteName(name));
            var position = 12;
            Span<char> text = stackalloc char[DnsLimits.NameText];
            foreach (var name in names)
            {
                position = DnsNames.Read(buffer.AsSpan(0, writer.Length), position, text, out var length, lower: true);
                Assert.Equal(name.ToLowerInvariant(), text[..length].ToString());
            }
            Assert.Equal(writer.Length, position);
        });
    }

    [Fact]
    public void Any_bytes_are_read_or_refused_with_an_error_of_ours()
    {
        var seed = Message(
            (ref DnsWriter w) => w.CopyQuestion([1, (byte)'a', 0, 0, 1, 0, 1]),
            (ref DnsWriter w) => w.WriteNameRecord("a", DnsType.Cname, 5, "b.a"),
            (ref DnsWriter w) => w.WriteService("b.a", 5, 1, 2, 3, "c.a"),
            (ref DnsWriter w) => w.WriteOpt(new DnsEdns(1232, 0, 0, false)));
        new DnsHeader(1, 0, 1, 2, 0, 1).Write(seed);
        var mutated = Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte).Array[1, 6].Select(edits =>
        {
            var bytes = (byte[])seed.Clone();
            foreach (var (at, value) in edits)
                bytes[at] = value;
            return bytes;
        });
        Gen.OneOf(Gen.Byte.Array[0, 80], mutated).Sample(bytes =>
        {
            try
            {
                ReadAll(bytes);
            }
            catch (DnsFormatException)
            {
            }
        }, iter: 20_000);
    }

    private static void ReadAll(byte[] bytes)
    {
        var text = new char[DnsLimits.NameText];
        var reader = new DnsReader(bytes);
        for (var i = 0; i < reader.Header.Questions; i++)
            reader.ReadQuestion(text, out _, out _, out _, lower: true);
        var records = reader.Header.Answers + reader.Header.Authorities + reader.Header.Additionals;
        for (var i = 0; i < records; i++)
        {
            var record = reader.ReadRecord();
            DnsNames.Read(bytes, record.NamePosition, text, out _, lower: false);
            Assert.InRange(record.DataPosition + record.DataLength, 0, bytes.Length);
        }
    }
}
