using System.Net;
using Weft.Kernel;
using Weft.Kernel.Conntrack;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Reconcile.Connections;

namespace Weft.Reconcile.Tests.Connections;

public class ConnectionReconcilerTests
{
    private const string Service = "10.96.0.20";
    private const string Node = "172.30.0.11";
    private readonly FaultPlan _faults = new();
    private readonly FakeConntrack _conntrack;
    private readonly NodeReconciler _reconciler;

    public ConnectionReconcilerTests()
    {
        _conntrack = new FakeConntrack(_faults);
        _reconciler = new NodeReconciler(new ConnectionReconciler(_conntrack, TimeProvider.System, TimeSpan.Zero));
    }

    private static IPAddress Ip(string text) => IPAddress.Parse(text);

    private static ConntrackEntry Entry(string client, string to, string backend, byte protocol = 17, ushort port = 53, ushort backendPort = 5353) => new(
        new(Ip(client), Ip(to), protocol, 40000, port), new(Ip(backend), Ip(client), protocol, to == backend ? port : backendPort, 40000));

    private static DesiredState State(string[] backends, string[] pods, string[]? nodePortBackends = null) => new(
        new RoutingState(
            [.. pods.Select((_, i) => (Link)new VethLink($"weft{i}", 1450))], [],
            [.. pods.Select((p, i) => new Route(IpPrefix.Parse($"{p}/32"), $"weft{i}"))], [], [], []),
        new NftTable("weft",
            [
                new NftSet("services-backends-4", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService, NftType.Numgen],
                    [NftType.Ipv4Address, NftType.InetService], false,
                    [.. backends.SelectMany((b, i) => new[] { Element(Protocol.Udp, b, i), Element(Protocol.Tcp, b, i) })]),
                new NftSet("nodeports-backends-4", [NftType.InetProto, NftType.InetService, NftType.Numgen],
                    [NftType.Ipv4Address, NftType.InetService], false,
                    [.. (nodePortBackends ?? []).Select((b, i) => new NftElement(
                        [NftValue.Of(Protocol.Udp), NftValue.Of(30053), NftValue.Of(i)], [NftValue.Of(Ip(b)), NftValue.Of(5353)]))]),
            ],
            []));

    private static NftElement Element(Protocol protocol, string backend, int index) => new(
        [NftValue.Of(Ip(Service)), NftValue.Of(protocol), NftValue.Of(53), NftValue.Of(index)], [NftValue.Of(Ip(backend)), NftValue.Of(5353)]);

    [Fact]
    public void UdpToARemovedBackendIsForgottenAndNothingElse()
    {
        ConntrackEntry[] stay =
        [
            Entry("10.244.1.5", Service, "10.244.2.7"),
            Entry("10.244.1.5", Service, "10.244.2.6", protocol: 6),
            Entry("10.244.1.5", "10.244.2.6", "10.244.2.6", port: 5353),
            Entry("10.244.1.5", "10.96.0.99", "10.244.2.6"),
        ];
        _conntrack.Entries.AddRange(stay);
        _conntrack.Entries.Add(Entry("10.244.1.5", Service, "10.244.2.6"));
        _reconciler.Apply(State(["10.244.2.6", "10.244.2.7"], []));
        Assert.Equal(5, _conntrack.Entries.Count);
        // The other backend moves to another place in the list, which concerns nobody.
        var report = _reconciler.Apply(State(["10.244.2.7"], []));
        Assert.Equal(1, report.Writes);
        Assert.Equal(stay, _conntrack.Entries);
        Assert.Equal(0, _reconciler.Apply(State(["10.244.2.7"], [])).Writes);
    }

    [Fact]
    public void UdpThroughANodePortIsForgottenWithItsBackend()
    {
        _conntrack.Entries.Add(Entry("192.0.2.1", Node, "10.244.2.6", port: 30053));
        _reconciler.Apply(State([], [], ["10.244.2.6"]));
        Assert.Equal(1, _reconciler.Apply(State([], [], [])).Writes);
        Assert.Empty(_conntrack.Entries);
    }

    [Fact]
    public void NothingOfAPodOutlivesIt()
    {
        var other = Entry("10.244.1.6", Service, "10.244.2.7");
        _conntrack.Entries.AddRange([
            other, Entry("10.244.1.5", Service, "10.244.2.7", protocol: 6), Entry("192.0.2.1", "10.244.1.5", "10.244.1.5", protocol: 6),
            Entry("192.0.2.1", Node, "10.244.1.5", protocol: 6, port: 30080),
        ]);
        _reconciler.Apply(State([], ["10.244.1.5", "10.244.1.6"]));
        _reconciler.Apply(State([], ["10.244.1.6"]));
        Assert.Equal([other], _conntrack.Entries);
    }

    [Fact]
    public void PodsThatHaveGoneAreTakenTogetherUnlessAnAddressIsInUseAgain()
    {
        var clock = new Clock();
        var reconciler = new NodeReconciler(new ConnectionReconciler(_conntrack, clock, TimeSpan.FromSeconds(1)));
        _conntrack.Entries.AddRange([.. Enumerable.Range(1, 4).Select(i => Entry($"10.244.1.{i}", Service, "10.244.2.7"))]);
        reconciler.Apply(State([], ["10.244.1.1", "10.244.1.2", "10.244.1.3", "10.244.1.4"]));
        // The first one goes at once.
        Assert.Null(reconciler.Apply(State([], ["10.244.1.2", "10.244.1.3", "10.244.1.4"])).Continuation);
        Assert.Equal(3, _conntrack.Entries.Count);
        clock.Now += TimeSpan.FromMilliseconds(400);
        Assert.Equal(TimeSpan.FromMilliseconds(600), reconciler.Apply(State([], ["10.244.1.3", "10.244.1.4"])).Continuation);
        Assert.Equal(TimeSpan.FromMilliseconds(600), reconciler.Apply(State([], ["10.244.1.4"])).Continuation);
        Assert.Equal(3, _conntrack.Entries.Count);
        clock.Now += TimeSpan.FromMilliseconds(600);
        Assert.Null(reconciler.Apply(State([], ["10.244.1.4"])).Continuation);
        Assert.Single(_conntrack.Entries);
        // Gone and back within the time: nothing of the old one may meet the new one.
        Assert.NotNull(reconciler.Apply(State([], [])).Continuation);
        Assert.Null(reconciler.Apply(State([], ["10.244.1.4"])).Continuation);
        Assert.Empty(_conntrack.Entries);
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    [Fact]
    public void WhatCouldNotBeDeletedIsTriedAgainAndWhatCameBackIsNot()
    {
        _conntrack.Entries.AddRange([Entry("10.244.1.5", Service, "10.244.2.6"), Entry("10.244.1.5", Service, "10.244.2.7")]);
        _reconciler.Apply(State(["10.244.2.6", "10.244.2.7"], []));
        _faults.FailCall(_faults.Calls);
        Assert.Single(_reconciler.Apply(State([], [])).Failures);
        Assert.Equal(2, _conntrack.Entries.Count);
        Assert.Empty(_reconciler.Apply(State(["10.244.2.7"], [])).Failures);
        Assert.Equal("10.244.2.7", Assert.Single(_conntrack.Entries).Reply.Source.ToString());
        var calls = _faults.Calls;
        _reconciler.Apply(State(["10.244.2.7"], []));
        Assert.Equal(calls, _faults.Calls);
    }

    [Fact]
    public void ARestartForgetsNoConnection()
    {
        _conntrack.Entries.Add(Entry("10.244.1.5", Service, "10.244.2.6"));
        Assert.Equal(0, _reconciler.Apply(State([], [])).Writes);
        Assert.Single(_conntrack.Entries);
    }

    private static DesiredState HostPort(int port, params Protocol[] protocols) => new(
        new RoutingState([], [], [], [], [], []),
        new NftTable("weft",
            [
                new NftSet("hostports-backends-4", [NftType.InetProto, NftType.InetService, NftType.Numgen], [NftType.Ipv4Address, NftType.InetService], false,
                    [.. protocols.Select(p => new NftElement([NftValue.Of(p), NftValue.Of(port), NftValue.Of(0L)], [NftValue.Of(Ip("10.244.1.5")), NftValue.Of(5353)]))]),
            ],
            []));

    [Fact]
    public void UdpAndSctpOfAHostPortAreForgottenWithIt()
    {
        ConntrackEntry[] stay =
        [
            Entry("192.0.2.1", Node, "10.244.1.5", protocol: 6, port: 8053),
            Entry("192.0.2.1", Node, "10.244.1.5", port: 8054),
            Entry("192.0.2.1", Node, "10.244.1.6", port: 8053),
        ];
        _conntrack.Entries.AddRange([.. stay, Entry("192.0.2.1", Node, "10.244.1.5", port: 8053), Entry("127.0.0.1", "127.0.0.1", "10.244.1.5", 132, 8053)]);
        _reconciler.Apply(HostPort(8053, Protocol.Tcp, Protocol.Udp, Protocol.Sctp));
        Assert.Equal(5, _conntrack.Entries.Count);
        Assert.Equal(1, _reconciler.Apply(HostPort(8053, Protocol.Tcp, Protocol.Sctp)).Writes);
        Assert.Equal(1, _reconciler.Apply(HostPort(8053, Protocol.Tcp)).Writes);
        Assert.Equal(stay, _conntrack.Entries);
        Assert.Equal(0, _reconciler.Apply(HostPort(8053)).Writes);
        Assert.Equal(stay, _conntrack.Entries);
    }

    /// <summary>A client that sent to the port before it was open would otherwise never be led to the container.</summary>
    [Fact]
    public void UdpThatBeganBeforeTheHostPortIsForgotten()
    {
        ConntrackEntry[] stay =
        [
            Entry("192.0.2.1", Node, Node, protocol: 6, port: 8053),
            Entry("192.0.2.1", Node, "10.244.1.6", port: 8053),
            Entry("192.0.2.1", Node, Node, port: 8054),
        ];
        _reconciler.Apply(HostPort(8053));
        _conntrack.Entries.AddRange([.. stay, Entry("192.0.2.1", Node, Node, port: 8053)]);
        Assert.Equal(1, _reconciler.Apply(HostPort(8053, Protocol.Udp)).Writes);
        Assert.Equal(stay, _conntrack.Entries);
        Assert.Equal(0, _reconciler.Apply(HostPort(8053, Protocol.Udp)).Writes);
    }
}
