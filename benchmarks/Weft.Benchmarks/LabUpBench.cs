using System.Diagnostics;
using Weft.Lab.Daemon;

namespace Weft.Benchmarks;

/// <summary><c>weft lab up</c>, from its start to all agents ready.</summary>
internal static class LabUpBench
{
    public static IEnumerable<Figure> Run(int runs)
    {
        yield return new Figure("lab up, 3 nodes, to all agents ready (median)", Measure(3, runs), "s", 5);
        yield return new Figure("lab up, 20 nodes, to all agents ready (median)", Measure(20, runs), "s", 25);
    }

    private static double Measure(int nodes, int runs)
    {
        var times = new List<double>();
        for (var i = 0; i < runs; i++)
        {
            LabManager.Down("bench");
            var clock = Stopwatch.StartNew();
            Shell.Run(LabBinaries.Weft, ["lab", "up", "--name", "bench", "--nodes", $"{nodes}"]);
            times.Add(clock.Elapsed.TotalSeconds);
            LabManager.Down("bench");
        }
        return times.Median();
    }
}
