using System.Text;

namespace Weft.Fuzz;

/// <summary>Changed copies of inputs: bytes flipped, cut, doubled, spliced with another input, or replaced by words that readers stumble over.</summary>
internal static class Mutations
{
    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "null", "true", "-1", "0", "1e999", "9223372036854775808", "18446744073709551616", "\"\"", "[]", "{}", "\\u0000", "\\ud800", "../", "/", ":", ";", "=",
            "%", "::", "/129", "255.255.255.255", "\"a\":", "[[[[[[[[", ",", "\n", "\t",
        }.Select(Encoding.UTF8.GetBytes),
        [0], [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80],
    ];

    /// <summary>The same seed gives the same inputs.</summary>
    public static IEnumerable<byte[]> Of(IReadOnlyList<byte[]> corpus, int seed, int count)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var bytes = corpus[random.Next(corpus.Count)];
            for (var edits = random.Next(1, 6); edits > 0; edits--)
                bytes = Edit(bytes, corpus[random.Next(corpus.Count)], random);
            yield return bytes;
        }
    }

    private static byte[] Edit(byte[] bytes, byte[] other, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        var length = random.Next(Math.Min(bytes.Length - at, 32) + 1);
        switch (random.Next(7))
        {
            case 0 when bytes.Length > 0:
                var copy = (byte[])bytes.Clone();
                copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
                return copy;
            case 1 when bytes.Length > 0:
                copy = (byte[])bytes.Clone();
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
                return copy;
            case 2:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 4:
                var from = random.Next(other.Length + 1);
                return [.. bytes[..at], .. other[from..]];
            case 5:
                return bytes[..at];
            default:
                return [.. bytes[..at], .. Words[random.Next(Words.Length)], .. bytes[(at + length)..]];
        }
    }
}
