using Weft.Wire.Netlink;

namespace Weft.Wire.Tests.Netlink;

/// <summary>Bytes laid out by hand after include/uapi/linux/rtnetlink.h, pkt_sched.h, pkt_cls.h and tc_act/tc_mirred.h, on a little-endian machine.</summary>
public class TrafficControlTests
{
    private delegate void Body(ref NetlinkWriter writer);

    private static byte[] Written(Body body)
    {
        Assert.True(BitConverter.IsLittleEndian, "the tables are little-endian");
        var writer = new NetlinkWriter(new byte[512]);
        body(ref writer);
        return writer.Written.ToArray();
    }

    private static void AssertBytes(string hex, byte[] bytes) => Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(bytes));

    [Fact] // TCA_KIND, TCA_OPTIONS { TCA_TBF_PARMS (struct tc_tbf_qopt), TCA_TBF_BURST }
    public void TokenBucket() => AssertBytes(
        "00000000 07000000 00006557 FFFFFFFF 00000000" // tcmsg: ifindex 7, handle 5765:, parent root
            + "0800 0100 74626600" // "tbf"
            + "3400 0200"
            + "2800 0100 00010000 00000000 D0121300 000000000000000000000000 400D0300 00000000 00000000" // linklayer 1, rate 1250000, limit 200000
            + "0800 0600 00000200", // 131072
        Written((ref NetlinkWriter w) => TrafficControlMessage.WriteTokenBucket(ref w, 7, 0x5765_0000, new TokenBucketOptions(1_250_000, 131_072, 200_000))));

    [Fact]
    public void Ingress() => AssertBytes(
        "00000000 07000000 0000FFFF F1FFFFFF 00000000" + "0C00 0100 696E677265737300",
        Written((ref NetlinkWriter w) => TrafficControlMessage.WriteIngress(ref w, 7)));

    [Fact] // u32 with one empty key, and one action: mirred
    public void Redirect() => AssertBytes(
        "00000000 07000000 00000000 0000FFFF 00030100" // priority 1, ETH_P_ALL in network order
            + "0800 0100 75333200" // "u32"
            + "6000 0200"
            + "2400 0500 01000100 00000000 00000000 00000000 00000000 00000000 00000000 00000000" // TC_U32_TERMINAL, one key of zeroes
            + "3800 0700" + "3400 0100"
            + "0B00 0100 6D697272656400 00" // "mirred"
            + "2400 0200" // TCA_ACT_OPTIONS
            + "2000 0200 00000000 00000000 04000000 00000000 00000000 01000000 09000000", // TC_ACT_STOLEN, TCA_EGRESS_REDIR, ifindex 9
        Written((ref NetlinkWriter w) => TrafficControlMessage.WriteRedirect(ref w, 7, 9)));

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        var fast = new TokenBucketOptions(6_000_000_000, 0, 20_000_000);
        var bucket = TrafficControlMessage.Parse(Written((ref NetlinkWriter w) => TrafficControlMessage.WriteTokenBucket(ref w, 7, 0x5765_0000, fast)));
        Assert.Equal((7, TrafficControlMessage.ParentRoot, "tbf", fast), (bucket.Link, bucket.Parent, bucket.Kind, bucket.TokenBucket));
        Assert.Equal(9, TrafficControlMessage.Parse(Written((ref NetlinkWriter w) => TrafficControlMessage.WriteRedirect(ref w, 7, 9))).RedirectTo);
        Assert.Equal("ingress", TrafficControlMessage.Parse(Written((ref NetlinkWriter w) => TrafficControlMessage.WriteIngress(ref w, 7))).Kind);
    }

    [Fact]
    public void ATruncatedMessageIsRefusedAndUnknownOptionsAreNot()
    {
        var bytes = Written((ref NetlinkWriter w) => TrafficControlMessage.WriteRedirect(ref w, 7, 9));
        Assert.Throws<NetlinkFormatException>(() => TrafficControlMessage.Parse(bytes.AsSpan(0, 19)));
        Assert.Null(TrafficControlMessage.Parse(bytes.AsSpan(0, 28)).RedirectTo);
        Assert.Null(TrafficControlMessage.Parse(Written((ref NetlinkWriter w) => TrafficControlMessage.WriteHeader(ref w, 7))).TokenBucket);
    }
}
