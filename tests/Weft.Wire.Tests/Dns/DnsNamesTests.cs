using System.Globalization;
using CsCheck;
using Weft.Wire.Dns;

namespace Weft.Wire.Tests.Dns;

public class DnsNamesTests
{
    private static byte[] Hex(string text) =>
        [.. text.Replace(" ", "", StringComparison.Ordinal).Chunk(2).Select(c => byte.Parse(c, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static (string Name, int End) Read(byte[] message, int position, bool lower = false)
    {
        Span<char> text = stackalloc char[DnsLimits.NameText];
        var end = DnsNames.Read(message, position, text, out var length, lower);
        return (text[..length].ToString(), end);
    }

    [Theory]
    // RFC 1035 section 3.1: labels and the root.
    [InlineData("00", 0, "", 1)]
    [InlineData("01 61 02 62 63 00", 0, "a.bc", 6)]
    // RFC 1035 section 4.1.4: its own example, F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root, here from byte 0.
    [InlineData("01 46 03 49 53 49 04 41 52 50 41 00 03 46 4F 4F c0 00 c0 06 00", 12, "FOO.F.ISI.ARPA", 18)]
    [InlineData("01 46 03 49 53 49 04 41 52 50 41 00 03 46 4F 4F c0 00 c0 06 00", 18, "ARPA", 20)]
    [InlineData("01 46 03 49 53 49 04 41 52 50 41 00 03 46 4F 4F c0 00 c0 06 00", 20, "", 21)]
    // RFC 1035 section 5.1: dots, backslashes and unprintable bytes within a label.
    [InlineData("05 61 2e 5c 20 ff 00", 0, @"a\.\\\032\255", 7)]
    public void Names_on_the_wire(string hex, int position, string name, int end) => Assert.Equal((name, end), Read(Hex(hex), position));

    [Theory]
    [InlineData("01", 0)]
    [InlineData("01 61", 0)]
    [InlineData("05 61 00", 0)]
    // A pointer to itself, one forward, two that lead to each other, one into its own name.
    [InlineData("c0 00", 0)]
    [InlineData("c0 02 00", 0)]
    [InlineData("01 61 c0 04 c0 00", 2)]
    [InlineData("01 61 c0 00", 0)]
    [InlineData("c0", 0)]
    // RFC 6891 section 5: the label kinds 0x40 and 0x80 are unused.
    [InlineData("41 61 00", 0)]
    [InlineData("81 61 00", 0)]
    public void Malformed_names_are_refused(string hex, int position) =>
        Assert.Throws<DnsFormatException>(() => { Read(Hex(hex), position); });

    // RFC 1035 section 3.1: 255 bytes in all; 63 + 63 + 63 + 61 and their lengths and the zero are just that.
    [Theory]
    [InlineData(61, true)]
    [InlineData(62, false)]
    public void A_name_has_at_most_255_bytes(int lastLabel, bool valid)
    {
        byte[] wire = [63, .. new byte[63], 63, .. new byte[63], 63, .. new byte[63], (byte)lastLabel, .. new byte[lastLabel], 0];
        if (valid)
            Assert.Equal(255, Read(wire, 0).End);
        else
            Assert.Throws<DnsFormatException>(() => { Read(wire, 0); });
        var text = string.Join('.', new[] { 63, 63, 63, lastLabel }.Select(n => new string('a', n)));
        if (valid)
            Write(text);
        else
            Assert.Throws<DnsFormatException>(() => Write(text));
    }

    [Fact]
    public void Long_chains_of_pointers_end()
    {
        // Each pointer leads two bytes back: as long a chain as a message can hold.
        var wire = new byte[16384];
        for (var i = 2; i < wire.Length; i += 2)
            (wire[i], wire[i + 1]) = ((byte)(0xc0 | (i - 2) >> 8), (byte)(i - 2));
        Assert.Equal(("", 16384), Read(wire, 16382));
    }

    [Fact]
    public void Reading_may_lower_ascii_letters_only() =>
        Assert.Equal(@"az\195\132[", Read([5, (byte)'A', (byte)'Z', 0xc3, 0x84, (byte)'[', 0], 0, lower: true).Name);

    [Theory]
    [InlineData("a..b")]
    [InlineData(".")]
    [InlineData(".a")]
    [InlineData("a\\")]
    [InlineData("a\\999")]
    [InlineData("é")]
    public void Text_that_is_no_name_is_refused_or_stays_itself(string name)
    {
        try
        {
            Assert.Equal(@"\233", Read(Write(name), 12).Name);
        }
        catch (DnsFormatException e)
        {
            Assert.Contains("is no domain name", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Any_label_survives_being_written_and_read()
    {
        Gen.Byte.Array[1, 15].Array[0, 12].Sample(labels =>
        {
            byte[] wire = [.. labels.SelectMany(l => (byte[])[(byte)l.Length, .. l]), 0];
            var name = Read(wire, 0).Name;
            Assert.Equal(wire, Write(name)[12..]);
        });
    }

    private static byte[] Write(string name)
    {
        var buffer = new byte[600];
        var writer = new DnsWriter(buffer, buffer.Length);
        Assert.True(writer.WriteName(name));
        return buffer[..writer.Length];
    }
}
