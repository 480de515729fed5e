using System.Net.Sockets;
using System.Text;
using Weft.KubeApi.Streams.Spdy;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Streams;

public sealed class KubectlStreamTests
{
    [Fact]
    public void The_header_dictionary_is_the_one_whose_checksum_the_peers_send()
    {
        // Adler-32 (RFC 1950 section 8.2) of the dictionary, which zlib puts into the stream as DICTID.
        uint a = 1, b = 0;
        foreach (var value in SpdyHeaderDictionary.Bytes)
        {
            a = (a + value) % 65521;
            b = (b + a) % 65521;
        }
        Assert.Equal(0xe3c6a7c2u, (b << 16) | a);
    }

    [SkippableFact]
    public async Task Logs_exec_and_attach_as_kubectl_speaks_them()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync(o => o with { PodStreams = new FakePodStreams() });
        await StartPodAsync(server);
        var kubectl = new Kubectl(server);

        Assert.Equal("log of web/main tail=5 follow=False\n", await kubectl.RunAsync("logs", "web", "--tail=5"));
        Assert.Equal("hello world\n", await kubectl.RunAsync("exec", "web", "--", "hello", "world"));
        Assert.Equal("through the pod", await kubectl.RunWithInputAsync("through the pod", "exec", "-i", "web", "--", "cat"));
        var (code, _, error) = await kubectl.TryAsync(null, "exec", "web", "--", "fail", "3");
        Assert.Equal(3, code);
        Assert.Contains("failing", error);
        Assert.Equal("attached\n", await kubectl.RunAsync("attach", "web", "-q"));
        (code, _, error) = await kubectl.TryAsync(null, "exec", "web", "-c", "other", "--", "hello");
        Assert.NotEqual(0, code);
        Assert.Contains("container other", error);
    }

    [SkippableFact]
    public async Task Port_forward_carries_bytes_both_ways_over_several_connections()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync(o => o with { PodStreams = new FakePodStreams() });
        await StartPodAsync(server);
        using var process = new Kubectl(server).Start("port-forward", "pod/web", ":7");
        try
        {
            // "Forwarding from 127.0.0.1:43567 -> 7"
            var line = await process.StandardOutput.ReadLineAsync() ?? await process.StandardError.ReadToEndAsync();
            Assert.StartsWith("Forwarding from", line);
            var port = int.Parse(line.Split("127.0.0.1:")[1].Split(' ')[0]);
            for (var i = 0; i < 3; i++)
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port);
                var stream = client.GetStream();
                var sent = Encoding.ASCII.GetBytes(new string((char)('a' + i), 100_000));
                var write = stream.WriteAsync(sent).AsTask();
                var got = new byte[sent.Length];
                await stream.ReadExactlyAsync(got);
                await write;
                Assert.Equal(sent, got);
            }
        }
        catch (IOException e)
        {
            process.Kill();
            throw new IOException($"{e.Message}: kubectl said: {await process.StandardError.ReadToEndAsync()}", e);
        }
        finally
        {
            process.Kill();
        }
    }

    private static async Task StartPodAsync(TestServer server)
    {
        await server.Client.CreateAsync("pods", "default", Objects.Pod("web", node: "n1"));
        await server.Client.PatchAsync("pods", "default", "web", Client.PatchKind.Merge, Objects.Parse("""{"status":{"phase":"Running"}}"""), "status");
    }
}
