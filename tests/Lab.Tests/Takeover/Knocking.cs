using System.Net;
using System.Net.Sockets;
using Lab.Tests.Support;
using Weft.Primitives;

namespace Lab.Tests.Takeover;

/// <summary>Datagrams from a pod to the addresses that a node gives out next, round and round until disposed of.</summary>
internal sealed class Knocking : IAsyncDisposable
{
    private const int Addresses = 48;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<IPEndPoint> _targets;
    private readonly Socket _socket;
    private readonly Task _running;

    /// <param name="range">The node's, IPv4.</param>
    public Knocking(Machine from, IpPrefix range)
    {
        _targets = [.. Enumerable.Range(1, Addresses).Select(i => new IPEndPoint(range.AddressAt((UInt128)i), Listening.Port))];
        _socket = from.Network.Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _running = Task.Run(RunAsync);
    }

    public bool Covers(IPAddress address) => _targets.Exists(t => t.Address.Equals(address));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            foreach (var target in _targets)
            {
                try
                {
                    _socket.SendTo(Listening.Word, target);
                }
                catch (SocketException)
                {
                    // Nobody has the address now, or the way there is being made: the next round tries again.
                }
            }
            await Task.Delay(Interval);
        }
    }
}
