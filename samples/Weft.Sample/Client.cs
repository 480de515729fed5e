using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Weft.Sample;

/// <summary>What a person would try from inside a pod.</summary>
internal static class Client
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public static async Task<int> GetAsync(string url, string[] rest)
    {
        var count = rest.Length > 0 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : 1;
        var failed = 0;
        for (var i = 0; i < count; i++)
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(3) };
            try
            {
                Console.Write(await http.GetStringAsync(url));
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                Console.WriteLine($"failed: {e.InnerException?.Message ?? e.Message}");
                failed = 1;
            }
        }
        return failed;
    }

    /// <summary>Prints one line a target, in the order given: <c>HOST:PORT open|refused|timeout|unknown name</c>.</summary>
    public static async Task<int> ConnectAsync(string[] targets)
    {
        var results = await Task.WhenAll(targets.Select(TryAsync));
        for (var i = 0; i < targets.Length; i++)
            Console.WriteLine($"{targets[i]} {results[i]}");
        return 0;
    }

    public static async Task<int> ResolveAsync(string[] names)
    {
        var failed = 0;
        foreach (var name in names)
        {
            try
            {
                var addresses = await Dns.GetHostAddressesAsync(name);
                Console.WriteLine($"{name} {string.Join(' ', addresses.Select(a => a.ToString()).Order(StringComparer.Ordinal))}");
            }
            catch (SocketException e)
            {
                Console.WriteLine($"{name} {e.SocketErrorCode}");
                failed = 1;
            }
        }
        return failed;
    }

    private static async Task<string> TryAsync(string target)
    {
        var udp = target.EndsWith("/udp", StringComparison.Ordinal);
        var text = udp ? target[..^4] : target;
        var colon = text.LastIndexOf(':');
        var host = text[..colon].Trim('[', ']');
        var port = int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture);
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            var address = IPAddress.TryParse(host, out var literal) ? literal : (await Dns.GetHostAddressesAsync(host, timeout.Token))[0];
            using var socket = new Socket(address.AddressFamily, udp ? SocketType.Dgram : SocketType.Stream, udp ? ProtocolType.Udp : ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(address, port), timeout.Token);
            if (udp)
            {
                await socket.SendAsync("?"u8.ToArray(), timeout.Token);
                await socket.ReceiveAsync(new byte[64], timeout.Token);
            }
            return "open";
        }
        catch (OperationCanceledException)
        {
            return "timeout";
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
        {
            return "refused";
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain)
        {
            return "unknown name";
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode.ToString();
        }
    }
}
