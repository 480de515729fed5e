using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

public sealed class CniServerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly AddressStore _store;
    private readonly CniOperations _operations;
    private readonly CniServerOptions _options;

    public CniServerTests()
    {
        _store = AddressStore.Open(_directory.File("store"), TimeProvider.System);
        _store.SetCidrs("n1", [IpPrefix.Parse("10.244.1.0/24")]);
        _options = new CniServerOptions(_directory.File("cni.sock"), () => 1450, () => null, _ => { })
        {
            RequestTimeout = TimeSpan.FromMilliseconds(300),
            MaxConnections = 2,
        };
        var network = new FakePodNetwork();
        for (var i = 0; i < 40; i++)
            network.Namespaces.Add($"/run/netns/c{i}");
        _operations = new CniOperations(_store, new FakeAttachments(), network, _options);
    }

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(_options.SocketPath));
        return socket;
    }

    private static byte[] Request(CniCommand command, string container = "c1") => AgentProtocol.Write(new AgentRequest(
        new CniEnvironment(command, container, $"/run/netns/{container}", "eth0", "", ""),
        Encoding.UTF8.GetBytes("""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni"}""")));

    private static AgentResponse ReadResponse(Socket socket)
    {
        var header = Receive(socket, 4);
        return AgentProtocol.ReadResponse(Receive(socket, AgentProtocol.ReadHeader(header)));
    }

    private static byte[] Receive(Socket socket, int count)
    {
        var buffer = new byte[count];
        for (var done = 0; done < count;)
        {
            var n = socket.Receive(buffer.AsSpan(done));
            if (n == 0)
                throw new EndOfStreamException();
            done += n;
        }
        return buffer;
    }

    [Fact]
    public async Task Serves_requests_on_a_socket_that_only_its_owner_may_use()
    {
        await using var server = CniServer.Start(_operations, _options);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_options.SocketPath));
        using var socket = Connect();
        socket.Send(Request(CniCommand.Add));
        var response = ReadResponse(socket);
        Assert.False(response.Failed);
        Assert.Equal("10.244.1.1/32", (string?)JsonNode.Parse(response.Output.Span)!["ips"]![0]!["address"]);
    }

    [Fact]
    public async Task Replaces_the_socket_of_a_dead_agent_but_not_that_of_a_living_one()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Bound by another name, so that closing it leaves the file behind, as SIGKILL does.
            dead.Bind(new UnixDomainSocketEndPoint(_options.SocketPath + ".x"));
            File.Move(_options.SocketPath + ".x", _options.SocketPath);
        }
        await using var server = CniServer.Start(_operations, _options);
        Assert.Contains("another weft-agent answers", Assert.Throws<IOException>(() => { CniServer.Start(_operations, _options); }).Message, StringComparison.Ordinal);
        using var socket = Connect();
        socket.Send(Request(CniCommand.Status));
        Assert.False(ReadResponse(socket).Failed);
    }

    [Fact]
    public void A_file_that_is_no_socket_is_not_replaced()
    {
        File.WriteAllText(_options.SocketPath, "precious");
        Assert.Throws<IOException>(() => { CniServer.Start(_operations, _options); });
        Assert.Equal("precious", File.ReadAllText(_options.SocketPath));
    }

    [Fact]
    public async Task Garbage_and_silence_end_their_own_connection_only()
    {
        await using var server = CniServer.Start(_operations, _options);
        // As many silent clients as there are slots: the next is served once they have timed out.
        using var silent1 = Connect();
        using var silent2 = Connect();
        using var garbage = Connect();
        garbage.Send([0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        Assert.True(ReadResponse(garbage).Failed);
        using var notJson = Connect();
        notJson.Send([0, 0, 0, 3, (byte)'a', (byte)'b', (byte)'c']);
        Assert.True(ReadResponse(notJson).Failed);
        using var half = Connect();
        half.Send(Request(CniCommand.Status).AsSpan(0, 9));
        half.Shutdown(SocketShutdown.Send);
        Assert.Throws<EndOfStreamException>(() => { ReadResponse(half); });
        using var good = Connect();
        good.Send(Request(CniCommand.Status));
        Assert.False(ReadResponse(good).Failed);
    }

    [Fact]
    public async Task Many_clients_at_once_are_all_served()
    {
        await using var server = CniServer.Start(_operations, _options);
        // Threads of their own: blocking ones of the pool would starve the server, which shares it here.
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Factory.StartNew(() =>
        {
            using var socket = Connect();
            socket.Send(Request(CniCommand.Add, $"c{i}"));
            return (string?)JsonNode.Parse(ReadResponse(socket).Output.Span)!["ips"]![0]!["address"];
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(40, results.Distinct().Count());
    }

    [Fact]
    public async Task Stopping_removes_the_socket()
    {
        var server = CniServer.Start(_operations, _options);
        await server.DisposeAsync();
        Assert.False(File.Exists(_options.SocketPath));
        await server.DisposeAsync();
    }

    [Fact]
    public void The_configuration_list_appears_whole_and_is_not_rewritten_without_need()
    {
        var path = ConfigurationListFile.Write(_directory.File("net.d"), "weft", "/run/a.sock");
        Assert.Equal("10-weft.conflist", Path.GetFileName(path));
        Assert.Equal("/run/a.sock", (string?)JsonNode.Parse(File.ReadAllBytes(path))!["plugins"]![0]!["agentSocket"]);
        var written = File.GetLastWriteTimeUtc(path);
        ConfigurationListFile.Write(_directory.File("net.d"), "weft", "/run/a.sock");
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
        ConfigurationListFile.Write(_directory.File("net.d"), "weft", "/run/b.sock");
        Assert.Contains("/run/b.sock", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(_directory.File("net.d")));
    }
}
