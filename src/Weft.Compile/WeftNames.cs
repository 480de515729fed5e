namespace Weft.Compile;

/// <summary>Names and numbers by which Weft's own kernel objects are known on every node.</summary>
public static class WeftNames
{
    /// <summary>The one nftables table, family inet.</summary>
    public const string Table = "weft";

    /// <summary>The VXLAN device.</summary>
    public const string VxlanLink = "weft.vxlan";

    /// <summary>Packet mark bit: translate this connection's source when it leaves. kube-proxy's bit, which cluster tools leave alone.</summary>
    public const uint MasqueradeMark = 0x4000;

    /// <summary>Bytes that VXLAN adds: inner Ethernet 14, VXLAN 8, UDP 8, outer IPv4 20 (RFC 7348 section 5).</summary>
    public const int VxlanOverheadIPv4 = 50;

    /// <summary>The same with an outer IPv6 header of 40 bytes.</summary>
    public const int VxlanOverheadIPv6 = 70;
}
