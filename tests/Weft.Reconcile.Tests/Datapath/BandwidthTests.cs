using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Weft.Compile;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Reconcile.Links;
using Weft.Reconcile.Shaping;
using Weft.Store;

namespace Weft.Reconcile.Tests.Datapath;

/// <summary>
/// Bytes through a limited link against bytes through the same link without a limit, over the same time: a slow machine slows both, and only a limit
/// slows one.
/// </summary>
public sealed class BandwidthTests
{
    private const long Rate = 40_000_000;
    private const long Burst = 800_000;

    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(1);

    private static readonly NodeConfig Config = new("n1", [IpPrefix.Parse("10.244.0.0/16")], [], [], "cluster.local", "eth0", 1550);

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OnlyTheLimitedDirectionIsSlowed(bool ingress)
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var netlink = RouteNetlink.Open(node["node"]);
        var reconciler = Reconciler(netlink);
        Assert.Empty(Apply(reconciler, null).Failures);
        var free = await ThroughAsync(node, toLimited: ingress);

        Assert.Empty(Apply(reconciler, ingress ? new Bandwidth(Rate, Burst, 0, 0) : new Bandwidth(0, 0, Rate, Burst)).Failures);
        var limited = await ThroughAsync(node, toLimited: ingress);
        var other = await ThroughAsync(node, toLimited: !ingress);

        // Without a limit hundreds of megabytes; with it 5 MB a second and the burst. What can be judged is that the one is not exceeded while the
        // other direction, on the same machine at the same time, is.
        var most = (Rate * Measured.TotalSeconds + Burst) / 8 * 1.25;
        Skip.If(free < 4 * most, $"this machine carries {free} bytes a second without a limit, too few to see one");
        Assert.InRange(limited, 1, most);
        Assert.True(limited > Rate / 8 * Measured.TotalSeconds * 0.5, $"{limited} bytes are far below the limit");
        Assert.True(other > 2 * most, $"the direction without a limit carried {other} bytes, {free} before");

        Assert.Empty(Apply(reconciler, null).Failures);
        Assert.Empty(netlink.Qdiscs());
        Assert.DoesNotContain(netlink.Links(), l => l.Kind == "ifb");
        Assert.True(await ThroughAsync(node, toLimited: ingress) > 2 * most);
    }

    private static NodeReconciler Reconciler(RouteNetlink netlink)
    {
        var links = new NodeLinks(netlink, new TouchedLinks());
        return new NodeReconciler(links, new LinkReconciler(netlink, links), new ShapingReconciler(netlink, links));
    }

    private static ReconcileReport Apply(NodeReconciler reconciler, Bandwidth? bandwidth)
    {
        var snapshot = ClusterSnapshot.Empty;
        snapshot = snapshot with
        {
            Nodes = snapshot.Nodes.Add("n1", new Node("n1", [IPAddress.Parse("172.30.0.11")], [IpPrefix.Parse("10.244.1.0/24")], Labels.Empty, true)),
        };
        for (var i = 0; i < 2; i++)
        {
            var attachment = new Attachment($"c{i}", "eth0", null, null, [SmallNode.Address(i)], SmallNode.Link(i), "02:00:00:00:00:01", "/proc/self/ns/net")
            {
                Bandwidth = i == 1 ? bandwidth : null,
            };
            snapshot = snapshot with { Attachments = snapshot.Attachments.Add(attachment.Key, attachment) };
        }
        var routing = NodeCompiler.Compile(Config, snapshot).Routing;
        var report = reconciler.Apply(new DesiredState(routing with { Links = [.. routing.Links.Where(l => l is not VxlanLink)] }, new NftTable("weft", [], [])));
        return report;
    }

    /// <summary>Bytes that arrive within the time measured, from or to the pod whose link is limited; the other end is a pod of the same node.</summary>
    private static async Task<long> ThroughAsync(SmallNode node, bool toLimited)
    {
        var (from, to) = toLimited ? (0, 1) : (1, 0);
        using var listener = node[SmallNode.PodName(to)].Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(SmallNode.Address(to), 0));
        listener.Listen(1);
        using var client = node.Connect(SmallNode.PodName(from), SmallNode.Address(to), ((IPEndPoint)listener.LocalEndPoint!).Port, out var failure)
            ?? throw new InvalidOperationException(failure);
        using var server = await listener.AcceptAsync();
        using var limit = new CancellationTokenSource(Measured);
        var sending = SendAsync(client, limit.Token);
        var buffer = new byte[1 << 18];
        var received = 0L;
        var clock = Stopwatch.StartNew();
        try
        {
            while (clock.Elapsed < Measured)
                received += await server.ReceiveAsync(buffer, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
        await sending;
        return received;
    }

    private static async Task SendAsync(Socket socket, CancellationToken cancel)
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (true)
                await socket.SendAsync(buffer, cancel);
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
    }
}
