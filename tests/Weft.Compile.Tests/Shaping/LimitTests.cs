using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;

namespace Weft.Compile.Tests.Shaping;

public class LimitTests
{
    private static RoutingState Compile(Bandwidth? bandwidth)
    {
        var builder = new ClusterBuilder().Nodes(1).Attach(null, "10.244.1.5");
        var attachment = builder.Snapshot.Attachments.Values.Single() with { HostInterface = "weft0123456789a", Bandwidth = bandwidth };
        return NodeCompiler.Compile(ClusterBuilder.Config("n1"), builder.Snapshot with { Attachments = builder.Snapshot.Attachments.SetItem(attachment.Key, attachment) }).Routing;
    }

    [Fact]
    public void WithoutLimitsThereIsNothing()
    {
        foreach (var routing in new[] { Compile(null), Compile(new Bandwidth(0, 0, 0, 0)) })
        {
            Assert.Empty(routing.Shapers);
            Assert.Empty(routing.Redirects);
            Assert.DoesNotContain(routing.Links, l => l is IfbLink);
        }
    }

    [Fact]
    public void WhatIsReceivedWaitsAtTheLinkAndWhatIsSentInADeviceOfItsOwn()
    {
        var routing = Compile(new Bandwidth(80_000_000, 8_000_000, 8_000_000, 1_600_000));
        var ifb = Assert.Single(routing.Links.OfType<IfbLink>());
        Assert.Equal("weft-123456789a", ifb.Name);
        Assert.Equal(
            [new Shaper("weft0123456789a", 10_000_000, 1_000_000, 1_500_000), new Shaper("weft-123456789a", 1_000_000, 200_000, 250_000)], routing.Shapers);
        Assert.Equal([new Redirect("weft0123456789a", "weft-123456789a")], routing.Redirects);
    }

    [Fact]
    public void OneDirectionNeedsNoDevice()
    {
        var routing = Compile(new Bandwidth(80_000_000, 8_000_000, 0, 0));
        Assert.Single(routing.Shapers);
        Assert.DoesNotContain(routing.Links, l => l is IfbLink);
    }

    [Theory]
    // The greatest number of a type, which runtimes say when they know no burst, is a tenth of a second.
    [InlineData(80_000_000, uint.MaxValue, 1_000_000)]
    [InlineData(80_000_000, int.MaxValue, 1_000_000)]
    [InlineData(80_000_000, 8L * uint.MaxValue, 1_000_000)]
    [InlineData(80_000_000, 0, 1_000_000)]
    [InlineData(1_000_000, uint.MaxValue, 65_536)]
    // A packet must fit.
    [InlineData(80_000_000, 8, 1468)]
    // The kernel tells no longer time than 274 s.
    [InlineData(8_000, 8_000_000_000, 250_000)]
    [InlineData(1, 8, 1468)]
    public void TheBucketFitsAPacketAndTheKernel(long rate, long burst, long size)
    {
        var shaper = Assert.Single(Compile(new Bandwidth(rate, burst, 0, 0)).Shapers);
        Assert.Equal(Math.Max(rate / 8, 1), shaper.Rate);
        Assert.Equal(size, shaper.Burst);
        Assert.InRange(shaper.Limit, shaper.Burst + 1, uint.MaxValue);
    }
}
