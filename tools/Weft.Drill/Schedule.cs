namespace Weft.Drill;

/// <summary>Where in the drill, counted in attachments begun, the agent is killed and GC is called; from the seed alone.</summary>
internal sealed class Schedule
{
    private readonly Dictionary<int, double> _kills = [];
    private readonly HashSet<int> _collections = [];

    public Schedule(int seed, int count)
    {
        var random = new Random(seed);
        for (var at = random.Next(10, 40); at < count; at += random.Next(20, 100))
            _kills[at] = 40 * random.NextDouble();
        for (var at = random.Next(20, 60); at < count; at += random.Next(60, 200))
            _collections.Add(at);
    }

    public int Kills => _kills.Count;

    /// <summary>Milliseconds to wait before killing the agent, when the attachment that begins is one at which it dies.</summary>
    public double? KillAgentAt(int index) => _kills.TryGetValue(index, out var delay) ? delay : null;

    public bool CollectAt(int index) => _collections.Contains(index);
}
