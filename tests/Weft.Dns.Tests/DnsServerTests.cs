using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Weft.Model.Dns;
using Weft.Primitives;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

public sealed class DnsServerTests : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _running = [];
    private readonly List<string> _log = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var running in _running)
            await running.DisposeAsync();
    }

    private FakeUpstream Upstream(Func<byte[], bool, IEnumerable<byte[]>> answer)
    {
        var upstream = new FakeUpstream(answer);
        _running.Add(upstream);
        return upstream;
    }

    private (DnsServer Server, IPEndPoint EndPoint) Start(Func<DnsServerOptions, DnsServerOptions>? with = null, params IPEndPoint[] upstreams)
    {
        var options = new DnsServerOptions(upstreams, [IPAddress.Parse("10.96.0.10")], _log.Add) { UpstreamTimeout = TimeSpan.FromMilliseconds(300) };
        var server = new DnsServer(with?.Invoke(options) ?? options);
        _running.Insert(0, server);
        server.Update(TestZone.Zone);
        var sockets = DnsServer.Bind(IPAddress.Loopback, 0);
        var endPoint = (IPEndPoint)sockets.Udp.LocalEndPoint!;
        server.Serve(sockets);
        return (server, endPoint);
    }

    private static async Task<(DnsResponseCode Code, List<string> Records)> Ask(IPEndPoint server, string name, string type = "A")
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server);
        await socket.SendAsync(Messages.Query(name, type));
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var length = await socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token);
        var (_, code, records) = Messages.Read(buffer.AsSpan(0, length));
        return (code, records);
    }

    private static string Dig(string tool, IPEndPoint server, string arguments)
    {
        var start = new ProcessStartInfo(tool, string.Create(CultureInfo.InvariantCulture, $"@{server.Address} -p {server.Port} +time=5 {(tool == "dig" ? "+tries=1" : "+retry=0")} {arguments}"))
        {
            RedirectStandardOutput = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            return process.StandardOutput.ReadToEnd();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new SkipException($"{tool} is not installed");
        }
    }

    [SkippableTheory]
    [InlineData("kdig", "web.default.svc.cluster.local A +short", "10.96.0.20")]
    [InlineData("kdig", "+tcp db.default.svc.cluster.local A +short", "10.244.1.5\n10.244.2.5")]
    [InlineData("kdig", "-x 10.96.0.20 +short", "web.default.svc.cluster.local.")]
    [InlineData("kdig", "_http._tcp.web.default.svc.cluster.local SRV +short", "0 100 80 web.default.svc.cluster.local.")]
    [InlineData("dig", "web.default.svc.cluster.local AAAA +short", "fd00:96::20")]
    [InlineData("dig", "-x fd00:96::20 +short", "web.default.svc.cluster.local.")]
    [InlineData("dig", "home.default.svc.cluster.local +short", "web.default.svc.cluster.local.\n10.96.0.20")]
    public void Real_clients_read_the_answers(string tool, string arguments, string expected)
    {
        var (_, server) = Start();
        var lines = Dig(tool, server, arguments).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order();
        Assert.Equal(expected.Split('\n').Order(), lines);
    }

    [SkippableTheory]
    [InlineData("dig", "nothing.default.svc.cluster.local", "status: NXDOMAIN")]
    [InlineData("kdig", "nothing.default.svc.cluster.local", "status: NXDOMAIN")]
    // dig sees TC without EDNS and comes again over TCP by itself.
    [InlineData("dig", "+noedns big.default.svc.cluster.local", "ANSWER: 60")]
    [InlineData("kdig", "+noedns big.default.svc.cluster.local", "ANSWER: 60")]
    [InlineData("dig", "+edns=1 +noednsneg web.default.svc.cluster.local", "status: BADVERS")]
    public void Real_clients_understand_codes_and_truncation(string tool, string arguments, string expected)
    {
        var (_, server) = Start();
        Assert.Contains(expected, Dig(tool, server, arguments).Replace("NOERROR;", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_zone_is_answered_from_at_once()
    {
        var (server, endPoint) = Start();
        Assert.Equal(DnsResponseCode.NameError, (await Ask(endPoint, "new.default.svc.cluster.local")).Code);
        server.Update(TestZone.Zone with { Records = [new DnsRecordSet("new.default.svc.cluster.local", [new DnsAddress(IPAddress.Parse("10.96.0.99"))])] });
        Assert.Equal(["new.default.svc.cluster.local 5 A 10.96.0.99"], (await Ask(endPoint, "new.default.svc.cluster.local")).Records);
        Assert.Equal(DnsResponseCode.NameError, (await Ask(endPoint, "web.default.svc.cluster.local")).Code);
    }

    [Fact]
    public async Task Other_names_are_forwarded_and_remembered()
    {
        var upstream = Upstream((q, _) => [FakeUpstream.Address(q, "192.0.2.1")]);
        var (_, server) = Start(null, upstream.EndPoint);
        Assert.Equal(["Example.com 60 A 192.0.2.1"], (await Ask(server, "Example.com")).Records);
        var (code, records) = await Ask(server, "example.COM");
        Assert.Equal(DnsResponseCode.NoError, code);
        Assert.Contains("A 192.0.2.1", Assert.Single(records), StringComparison.Ordinal);
        Assert.Equal(1, upstream.Asked);
        await Ask(server, "example.com", "AAAA");
        Assert.Equal(2, upstream.Asked);
    }

    [Fact]
    public async Task A_silent_or_failing_upstream_is_passed_over()
    {
        var silent = Upstream((_, _) => []);
        var failing = Upstream((q, _) => [FakeUpstream.Code(q, DnsResponseCode.ServerFailure)]);
        var good = Upstream((q, _) => [FakeUpstream.Address(q, "192.0.2.2")]);
        var (_, server) = Start(null, silent.EndPoint, failing.EndPoint, good.EndPoint);
        Assert.Equal(["example.com 60 A 192.0.2.2"], (await Ask(server, "example.com")).Records);
        // The one that answered is asked first from then on.
        await Ask(server, "example.org");
        Assert.Equal((1, 1, 2), (silent.Asked, failing.Asked, good.Asked));
    }

    [Fact]
    public async Task Without_an_answer_from_upstream_it_is_a_server_failure()
    {
        var silent = Upstream((_, _) => []);
        var (_, server) = Start(null, silent.EndPoint);
        Assert.Equal(DnsResponseCode.ServerFailure, (await Ask(server, "example.com")).Code);
        Assert.Equal(DnsResponseCode.Refused, (await Ask(Start().EndPoint, "example.com")).Code);
    }

    [Fact]
    public async Task A_truncated_answer_is_fetched_over_tcp()
    {
        var upstream = Upstream((q, tcp) => [FakeUpstream.Address(q, tcp ? "192.0.2.4" : "192.0.2.3", flags: tcp ? 0 : DnsHeader.Truncated)]);
        var (_, server) = Start(null, upstream.EndPoint);
        Assert.Equal(["example.com 60 A 192.0.2.4"], (await Ask(server, "example.com")).Records);
    }

    // RFC 5452 section 9.
    [Fact]
    public async Task Forged_and_broken_answers_are_waited_past()
    {
        var upstream = Upstream((q, _) =>
        {
            var wrongId = FakeUpstream.Address(q, "192.0.2.66");
            wrongId[0] ^= 1;
            var otherName = FakeUpstream.Address(Messages.Query("evil.com", "A", id: (ushort)(q[0] << 8 | q[1])), "192.0.2.66");
            return [wrongId, otherName, q[..13], FakeUpstream.Address(q, "192.0.2.5")];
        });
        var (_, server) = Start(null, upstream.EndPoint);
        Assert.Equal(["example.com 60 A 192.0.2.5"], (await Ask(server, "example.com")).Records);
    }

    [Fact]
    public async Task Ids_and_ports_of_forwarded_queries_differ()
    {
        var ids = new List<int>();
        var upstream = Upstream((q, _) =>
        {
            lock (ids)
                ids.Add(q[0] << 8 | q[1]);
            return [FakeUpstream.Address(q, "192.0.2.1", ttl: 0)];
        });
        var (_, server) = Start(null, upstream.EndPoint);
        for (var i = 0; i < 12; i++)
            await Ask(server, "example.com");
        Assert.Equal(12, ids.Count);
        Assert.InRange(ids.Distinct().Count(), 11, 12);
    }

    [Fact]
    public async Task Queries_beyond_the_bound_fail_at_once_while_the_zone_is_still_answered()
    {
        var silent = Upstream((_, _) => []);
        var (_, server) = Start(o => o with { MaxInFlight = 2, UpstreamTimeout = TimeSpan.FromSeconds(3) }, silent.EndPoint);
        var waiting = Enumerable.Range(0, 2).Select(i => Ask(server, $"slow{i}.com")).ToList();
        while (silent.Asked < 2)
            await Task.Delay(5);
        Assert.Equal(DnsResponseCode.ServerFailure, (await Ask(server, "third.com")).Code);
        Assert.Equal(DnsResponseCode.NoError, (await Ask(server, "web.default.svc.cluster.local")).Code);
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task An_upstream_that_forwards_to_us_is_found_out()
    {
        IPEndPoint? self = null;
        var mirror = Upstream((q, _) =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.SendTo(q, self!);
            return [];
        });
        var (server, endPoint) = Start(null, mirror.EndPoint);
        self = endPoint;
        await server.DetectLoopAsync();
        Assert.True(server.LoopDetected);
        Assert.Contains("forward queries back", Assert.Single(_log), StringComparison.Ordinal);
        Assert.Equal(DnsResponseCode.Refused, (await Ask(endPoint, "example.com")).Code);
    }

    [Fact]
    public async Task An_honest_upstream_is_not_taken_for_a_loop()
    {
        var upstream = Upstream((q, _) => [FakeUpstream.Code(q, DnsResponseCode.NameError)]);
        var (server, _) = Start(null, upstream.EndPoint);
        await server.DetectLoopAsync();
        Assert.False(server.LoopDetected);
    }

    [Fact]
    public async Task Several_queries_on_one_connection_and_garbage_on_another()
    {
        var (_, server) = Start();
        using var garbage = new TcpClient();
        await garbage.ConnectAsync(server);
        await garbage.GetStream().WriteAsync(new byte[] { 0, 3, 1, 2, 3 });
        Assert.Equal(0, await garbage.GetStream().ReadAsync(new byte[1]));

        using var client = new TcpClient();
        await client.ConnectAsync(server);
        var query = Messages.Query("web.default.svc.cluster.local", "A");
        byte[] frame = [0, (byte)query.Length, .. query];
        await client.GetStream().WriteAsync((byte[])[.. frame, .. frame]);
        for (var i = 0; i < 2; i++)
        {
            var head = new byte[2];
            await client.GetStream().ReadExactlyAsync(head);
            var response = new byte[head[0] << 8 | head[1]];
            await client.GetStream().ReadExactlyAsync(response);
            Assert.Equal(["web.default.svc.cluster.local 5 A 10.96.0.20"], Messages.Read(response).Records);
        }
    }

    [Fact]
    public async Task Many_clients_at_once_are_all_answered()
    {
        var upstream = Upstream((q, _) => [FakeUpstream.Address(q, "192.0.2.1")]);
        var (_, server) = Start(null, upstream.EndPoint);
        var codes = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Ask(server, i % 2 == 0 ? "web.default.svc.cluster.local" : $"host{i}.com")));
        Assert.All(codes, c => Assert.Equal(DnsResponseCode.NoError, c.Code));
    }

    [Fact]
    public void Upstreams_are_read_from_resolv_conf_without_our_own_addresses() => Assert.Equal(
        [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 53), new IPEndPoint(IPAddress.Parse("2001:db8::1"), 53)],
        DnsServerOptions.ReadUpstreams("# x\nsearch a b\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \nnameserver 10.96.0.10\nnameserver bad\n", [IPAddress.Parse("10.96.0.10")]));
}
