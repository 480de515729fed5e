using System.Diagnostics;
using System.Net;
using Weft.Kernel.Conntrack;
using Weft.Kernel.Routing;

namespace Weft.Kernel.Tests;

public class ConntrackTests
{
    [SkippableTheory]
    [InlineData("192.0.2.1", "192.0.2.2")]
    [InlineData("fd00:30::1", "fd00:30::2")]
    public void EntriesAreListedAndForgottenByAddress(string first, string second)
    {
        using var namespaces = new RealNamespaces();
        var (network, netlink) = namespaces.Add();
        // Connections are tracked in a namespace from the first rule that looks at their state.
        using (var nft = Process.Start("nsenter", [$"--net={network.Path}", "nft",
            "add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c ct state new accept"]))
        {
            nft.WaitForExit();
            Skip.IfNot(nft.ExitCode == 0, "needs nft and connection tracking");
        }
        var (a, b) = (IPAddress.Parse(first), IPAddress.Parse(second));
        var bits = first.Contains(':') ? 128 : 32;
        netlink.ExecuteAll(new AddAddress(new("lo", a, bits)), new AddAddress(new("lo", b, bits)));
        Assert.True(RealNamespaces.Exchange(network, network, a));
        Assert.True(RealNamespaces.Exchange(network, network, b));
        using var conntrack = NetlinkConntrack.Open(network);
        Assert.Contains(conntrack.List(), e => e.Original.Destination.Equals(a) && e.Original.Protocol == 17);
        var entry = Assert.Single(conntrack.List(), e => e.Original.Destination.Equals(b));
        Assert.Equal((entry.Original.SourcePort, entry.Original.DestinationPort), (entry.Reply.DestinationPort, entry.Reply.SourcePort));
        Assert.Equal(1, conntrack.DeleteUdpTo(a));
        Assert.DoesNotContain(conntrack.List(), e => e.Original.Destination.Equals(a));
        Assert.Contains(entry, conntrack.List());
        Assert.Equal(1, conntrack.DeleteWith(b));
        Assert.Equal(0, conntrack.DeleteWith(b));
    }
}
