namespace Weft.KubeApi.Kinds.Services;

/// <summary>Which node ports are taken, by whom. Safe for concurrent use.</summary>
internal sealed class NodePorts(Random random)
{
    public const int First = 30000;
    public const int Last = 32767;

    /// <summary>The lower ports stay for those that are asked for by number (KEP-3668).</summary>
    private const int StaticBand = 86;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, string> _owners = [];

    public static bool InRange(long port) => port is >= First and <= Last;

    public void Restore(int port, string owner)
    {
        lock (_gate)
            _owners[port] = owner;
    }

    public bool TryTake(int port, string owner)
    {
        lock (_gate)
            return _owners.TryAdd(port, owner);
    }

    /// <summary>Null when every port is taken.</summary>
    public int? TakeAny(string owner)
    {
        lock (_gate)
        {
            var start = random.Next(First + StaticBand, Last + 1);
            var port = Scan(start, Last) ?? Scan(First + StaticBand, start - 1) ?? Scan(First, First + StaticBand - 1);
            if (port is { } found)
                _owners[found] = owner;
            return port;
        }
    }

    public void Release(int port, string owner)
    {
        lock (_gate)
        {
            if (_owners.GetValueOrDefault(port) == owner)
                _owners.Remove(port);
        }
    }

    private int? Scan(int from, int to)
    {
        for (var port = from; port <= to; port++)
        {
            if (!_owners.ContainsKey(port))
                return port;
        }
        return null;
    }
}
