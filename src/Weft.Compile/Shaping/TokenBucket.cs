using Weft.Model.Routing;

namespace Weft.Compile.Shaping;

/// <summary>The limits that a runtime asks for, in bits, to what the kernel's token bucket takes, in bytes.</summary>
internal static class TokenBucket
{
    private const int BitsPerByte = 8;

    /// <summary>Ethernet header and VLAN tag: the kernel counts a packet with them.</summary>
    private const int LinkHeader = 18;

    /// <summary>
    /// The kernel tells a bucket's size as the time that it takes to empty, in 32 bits of 64 ns (include/net/pkt_sched.h, PSCHED_SHIFT): 274 s.
    /// </summary>
    private const int MostSeconds = 250;

    /// <summary>How long a packet may wait, as a part of a second.</summary>
    private const int QueuePerSecond = 20;

    /// <summary>A burst that is not chosen: what the rate gives in a tenth of a second, and at least one offloaded packet of 64 KiB.</summary>
    private const int DefaultPerSecond = 10;
    private const long LeastDefault = 64 * 1024;

    /// <param name="rate">Bits a second, above zero.</param>
    /// <param name="burst">Bits.</param>
    /// <param name="mtu">Bytes; a bucket that one packet does not fit would let nothing through.</param>
    public static Shaper Of(string link, long rate, long burst, int mtu)
    {
        var bytes = Math.Max(rate / BitsPerByte, 1);
        var size = IsUnlimited(burst) ? Math.Max(bytes / DefaultPerSecond, LeastDefault) : burst / BitsPerByte;
        size = Math.Max(Math.Min(size, Math.Min(int.MaxValue, bytes * MostSeconds)), mtu + LinkHeader);
        return new Shaper(link, bytes, size, Math.Min(size + Math.Max(bytes / QueuePerSecond, mtu + LinkHeader), uint.MaxValue));
    }

    /// <summary>
    /// Pod annotations know no burst, and runtimes that must say one say the largest number of a type. Taken by its word it would let gigabytes pass
    /// before the limit is felt.
    /// </summary>
    private static bool IsUnlimited(long burst) =>
        burst is 0 or int.MaxValue or uint.MaxValue or (long)int.MaxValue * BitsPerByte or (long)uint.MaxValue * BitsPerByte;
}
