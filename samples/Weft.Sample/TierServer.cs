using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Weft.Sample;

/// <summary>
/// A tier: answers every request with one line, <c>NAME saw CLIENT</c>, followed by the answer of the next tier if there is one. Also answers
/// datagrams when given a UDP port. <c>/healthz</c> serves probes.
/// </summary>
internal static class TierServer
{
    public static async Task<int> RunAsync(string[] options)
    {
        var ports = (Option(options, "--port") ?? "8080").Split(',').Select(p => int.Parse(p, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        var next = Option(options, "--next");
        var name = Environment.GetEnvironmentVariable("POD_NAME") ?? Environment.MachineName;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => Array.ForEach(ports, port => k.ListenAnyIP(port)));
        await using var app = builder.Build();
        // Every request is a connection of its own at the next tier, so that a Service spreads them.
        using var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(2) };
        app.Run(async context =>
        {
            if (context.Request.Path == "/healthz")
                return;
            var client = context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;
            var answer = $"{name} saw {client}";
            if (next is not null)
                answer += $"; {await AskAsync(http, next)}";
            context.Response.Headers.Connection = "close";
            await context.Response.WriteAsync(answer + "\n");
        });
        var udp = Option(options, "--udp") is { } udpPort ? ServeDatagramsAsync(int.Parse(udpPort, System.Globalization.CultureInfo.InvariantCulture), name) : null;
        await app.RunAsync();
        GC.KeepAlive(udp);
        return 0;
    }

    private static async Task<string> AskAsync(HttpClient http, string url)
    {
        try
        {
            return (await http.GetStringAsync(url)).TrimEnd();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return $"{url} did not answer";
        }
    }

    private static async Task ServeDatagramsAsync(int port, string name)
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        var buffer = new byte[2048];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
            await socket.SendToAsync(Encoding.UTF8.GetBytes($"{name} saw {((IPEndPoint)received.RemoteEndPoint).Address}\n"), received.RemoteEndPoint);
        }
    }

    private static string? Option(string[] options, string name)
    {
        var at = Array.IndexOf(options, name);
        return at >= 0 && at + 1 < options.Length ? options[at + 1] : null;
    }
}
