using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Lab.Daemon;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Takeover;

/// <summary>An agent that is killed and comes back takes the kernel over as it finds it: connections live on, and nothing is written anew.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class AgentRestartTests(RoughLab lab)
{
    private const int Port = 8080;

    [SkippableFact]
    public async Task Connections_live_on_and_nothing_is_rewritten()
    {
        lab.Require();
        await using var pods = new Pods(lab, "takeover");
        await pods.StartAsync();
        await pods.CreateAsync("client", "node1");
        await pods.CreateAsync("server", "node2");
        await lab.Api.CreateAsync(Pods.Json("""
            {"apiVersion":"v1","kind":"Service","metadata":{"namespace":"takeover","name":"server"},
             "spec":{"selector":{"app":"server"},"ports":[{"port":80,"targetPort":8080}]}}
            """));
        await lab.Api.CreateAsync(Pods.Json("""
            {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"takeover","name":"only-client"},
             "spec":{"podSelector":{"matchLabels":{"app":"server"}},"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"client"}}}]}]}}
            """));
        var (client, server) = (await pods.OpenAsync("client"), await pods.OpenAsync("server"));
        var vip = IPAddress.Parse((string)(await lab.Api.GetAsync(pods.Path("Service", "server")))["spec"]!["clusterIP"]!);
        foreach (var agent in lab.Agents)
        {
            await Eventually.NoneAsync(async () => (await agent.TableAsync("services")).Rows.Any(r => r[0] == "takeover" && r[6].Length > 0)
                && (await agent.TableAsync("policies")).Rows.Any(r => r[0] == "takeover" && r[5] == "in force") ? null : $"{agent.Node} is not there yet");
            await Eventually.NoneAsync(agent.AppliedProblemAsync);
        }

        using var listener = server.Network.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(server.Addresses[0], Port));
        listener.Listen();
        var echoing = EchoAsync(listener);
        using var direct = await Conversation.OpenAsync(client, new IPEndPoint(server.Addresses[0], Port));
        using var balanced = await Conversation.OpenAsync(client, new IPEndPoint(vip, 80));
        var tables = await Task.WhenAll(lab.Nodes.Values.Select(RulesAsync));

        foreach (var node in lab.Nodes.Keys)
            await KillAgentAsync(node);
        await direct.RoundsAsync(20);
        await balanced.RoundsAsync(20);
        foreach (var agent in lab.Agents)
        {
            await Eventually.NoneAsync(agent.ReadyProblemAsync);
            await Eventually.NoneAsync(async () => (await agent.TableAsync("pods")).Rows.Count == 2 ? await agent.AppliedProblemAsync() : $"{agent.Node} does not know the pods yet");
            Assert.Empty((await agent.TableAsync("drift")).Rows);
        }
        await direct.RoundsAsync(20);
        await balanced.RoundsAsync(20);
        // Handles are the kernel's numbers of rules and elements: what was replaced by its like would have others.
        Assert.Equal(tables, await Task.WhenAll(lab.Nodes.Values.Select(RulesAsync)));
        var fresh = await Probes.TcpAsync(client, new IPEndPoint(vip, 81), silent: true, Eventually.Patience);
        Assert.Equal(FlowVerdict.Reject, fresh.Verdict);
        Assert.False(echoing.IsFaulted);
    }

    private async Task KillAgentAsync(string node)
    {
        var old = await AgentPidAsync(node);
        using (var agent = Process.GetProcessById(old))
            agent.Kill();
        await Eventually.NoneAsync(async () => await AgentPidAsync(node) is > 0 and var now && now != old ? null : $"the agent of {node} does not come back");
    }

    private async Task<int> AgentPidAsync(string node) =>
        (int)((await ControlSocket.AskAsync(lab.Paths))!["nodes"]!.AsArray().Single(n => (string)n!["name"]! == node)!["agentPid"]!);

    private static async Task<string> RulesAsync(Machine node) =>
        (await Commands.InsideAsync(node, null, new ProcessStartInfo("nft", ["-a", "-s", "list", "table", "inet", "weft"]))).OrFail();

    private static async Task EchoAsync(Socket listener)
    {
        try
        {
            while (true)
                _ = EchoOneAsync(await listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task EchoOneAsync(Socket connection)
    {
        var buffer = new byte[256];
        using (connection)
        {
            while (await connection.ReceiveAsync(buffer) is > 0 and var count)
                await connection.SendAsync(buffer.AsMemory(0, count));
        }
    }

    /// <summary>One connection on which question and answer take turns.</summary>
    private sealed class Conversation : IDisposable
    {
        private readonly Socket _socket;
        private int _rounds;

        private Conversation(Socket socket) => _socket = socket;

        public static async Task<Conversation> OpenAsync(Machine from, IPEndPoint to)
        {
            using var limit = new CancellationTokenSource(Eventually.Patience);
            var socket = from.Network.Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(to, limit.Token);
            var conversation = new Conversation(socket);
            await conversation.RoundsAsync(1);
            return conversation;
        }

        /// <exception cref="OperationCanceledException">No answer.</exception>
        public async Task RoundsAsync(int count)
        {
            using var limit = new CancellationTokenSource(Eventually.Patience);
            var answer = new byte[4];
            for (var i = 0; i < count; i++)
            {
                var question = BitConverter.GetBytes(++_rounds);
                await _socket.SendAsync(question, limit.Token);
                for (var got = 0; got < answer.Length;)
                    got += await _socket.ReceiveAsync(answer.AsMemory(got), limit.Token) is > 0 and var read ? read : throw new IOException("the connection ended");
                Assert.Equal(question, answer);
                await Task.Delay(10, limit.Token);
            }
        }

        public void Dispose() => _socket.Dispose();
    }
}
