using System.Text;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Kernel;
using Weft.Kernel.Namespaces;

namespace Lab.Tests.Takeover;

/// <summary>
/// Hears what arrives for a pod before its containers could: a raw socket in each network namespace that the pod is given under its name, since
/// a runtime whose ADD fails makes another.
/// </summary>
internal sealed class Listening : IAsyncDisposable
{
    public const int Port = 40040;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<(NetNamespace Space, RawWatch Watch, Task Hearing)> _places = [];
    private readonly Task _looking;
    private int _heard;

    public Listening(string pod, string space)
    {
        Space = space;
        _looking = Task.Run(() => LookAsync(pod, space));
    }

    public static byte[] Word { get; } = Encoding.ASCII.GetBytes("is anybody there?");

    public string Space { get; }

    /// <summary>Datagrams of <see cref="Knocking"/> that have arrived.</summary>
    public int Heard => Volatile.Read(ref _heard);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _looking;
        foreach (var (space, watch, hearing) in _places)
        {
            await hearing;
            watch.Dispose();
            space.Dispose();
        }
        _stop.Dispose();
    }

    private async Task LookAsync(string pod, string name)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var space = NetNamespace.OpenNamed(name);
                if (_places.Exists(p => p.Space.Identity == space.Identity))
                {
                    space.Dispose();
                }
                else
                {
                    var watch = new RawWatch(new Machine(pod, space, []), RawSocket.Udp, ipv6: false);
                    _places.Add((space, watch, HearAsync(watch)));
                }
            }
            catch (KernelException)
            {
                // Not there yet, or between two tries of the runtime.
            }
            await Task.Delay(Interval);
        }
    }

    private async Task HearAsync(RawWatch watch)
    {
        try
        {
            while (true)
            {
                await watch.NextAsync(packet => packet.EndsWith(Word), _stop.Token);
                Interlocked.Increment(ref _heard);
            }
        }
        catch (OperationCanceledException)
        {
            // The test has heard enough.
        }
    }
}
