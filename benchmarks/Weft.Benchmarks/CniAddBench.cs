using System.Diagnostics;
using System.Globalization;
using Weft.Kernel.Namespaces;
using Weft.Lab.Daemon;

namespace Weft.Benchmarks;

/// <summary>
/// CNI ADD from process start to exit: Weft's plugin on a lab node against Debian's bridge with host-local and portmap in a node namespace of its
/// own, the two in turn; one at a time, sixteen at a time, and with few and many pods on the node.
/// </summary>
internal static class CniAddBench
{
    private const int Pods = 100;
    private const int Workers = 16;
    private const int ParallelPods = 160;
    private const int Few = 10;
    private const int Many = 1000;
    private const int Samples = 20;
    private const string ReferenceNode = "weft-benchref";

    public static IEnumerable<Figure> Run(int runs)
    {
        var (p50, p99, ratio, parallel) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        using var lab = Lab();
        using var mine = lab.NodeNamespace(lab.Nodes.First());
        var weft = CniCaller.Weft(lab, mine, "w");
        for (var run = 0; run < runs; run++)
        {
            NetNamespace.Delete(ReferenceNode);
            using var theirs = NetNamespace.Create(ReferenceNode);
            var state = Directory.CreateTempSubdirectory("weft-bench-").FullName;
            var reference = CniCaller.Reference(theirs, state, "b");
            try
            {
                var (mineTimes, theirTimes) = OneByOne(weft, reference);
                p50.Add(mineTimes.Percentile(0.5));
                p99.Add(mineTimes.Percentile(0.99));
                ratio.Add(mineTimes.Percentile(0.5) / theirTimes.Percentile(0.5));
                weft.DeleteAll();
                reference.DeleteAll();
                // Which of the two goes first changes from run to run.
                var (first, second) = run % 2 == 0 ? (weft, reference) : (reference, weft);
                var (a, b) = (PerSecond(first), PerSecond(second));
                parallel.Add(run % 2 == 0 ? a / b : b / a);
            }
            finally
            {
                weft.DeleteAll();
                reference.DeleteAll();
                NetNamespace.Delete(ReferenceNode);
                Directory.Delete(state, recursive: true);
            }
        }
        yield return new Figure("CNI ADD, 100 pods one after another, p50 (median of runs)", p50.Median(), "ms", 15);
        yield return new Figure("CNI ADD, 100 pods one after another, p99 (median of runs)", p99.Median(), "ms", 40);
        yield return new Figure("CNI ADD p50 against bridge + host-local + portmap (median of ratios)", ratio.Median(), "ratio", 1);
        yield return new Figure("CNI ADDs a second, 16 at a time, against bridge + host-local + portmap (median of ratios)", parallel.Median(), "ratio", 1.5, AtLeast: true);
        yield return Scale(lab, runs);
        yield return new Figure("plugin binary", new FileInfo(LabBinaries.Cni).Length / 1e6, "MB", 8);
        yield return PluginMemory(lab, mine);
    }

    private static (List<double> Weft, List<double> Reference) OneByOne(CniCaller weft, CniCaller reference)
    {
        var (mine, theirs) = (new List<double>(), new List<double>());
        for (var i = 0; i < Pods; i++)
        {
            weft.Prepare(i);
            mine.Add(weft.Add(i));
            reference.Prepare(i);
            theirs.Add(reference.Add(i));
        }
        return (mine, theirs);
    }

    private static double PerSecond(CniCaller caller)
    {
        for (var i = 0; i < ParallelPods; i++)
            caller.Prepare(i);
        var next = -1;
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, Workers).Select(_ => new Thread(() =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < ParallelPods;)
                caller.Add(i);
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        var rate = ParallelPods / clock.Elapsed.TotalSeconds;
        caller.DeleteAll();
        return rate;
    }

    /// <summary>ADD with a thousand pods on the node against ADD with ten, a handful at a time.</summary>
    private static Figure Scale(BenchLab lab, int runs)
    {
        using var node = lab.NodeNamespace(lab.Nodes.First());
        var (few, many) = (new List<double>(), new List<double>());
        var standing = CniCaller.Weft(lab, node, "s");
        var measured = CniCaller.Weft(lab, node, "m");
        var count = 0;
        try
        {
            Grow(Few);
            for (var run = 0; run < runs; run++)
                few.Add(Sample().Percentile(0.5));
            Grow(Many);
            for (var run = 0; run < runs; run++)
                many.Add(Sample().Percentile(0.5));
        }
        finally
        {
            measured.DeleteAll();
            standing.DeleteAll();
        }
        return new Figure("CNI ADD p50 with 1,000 pods on the node against 10 (ratio of medians)", many.Median() / few.Median(), "ratio", 1.3);

        void Grow(int to)
        {
            for (; count < to; count++)
            {
                standing.Prepare(count);
                standing.Add(count);
            }
        }

        // Few at a time, so that the number stays, and taken away outside of what is measured.
        List<double> Sample()
        {
            var times = new List<double>();
            for (var i = 0; i < Samples; i++)
            {
                measured.Prepare(i);
                times.Add(measured.Add(i));
            }
            measured.DeleteAll();
            return times;
        }
    }

    /// <summary>Most memory that one execution of the plugin held, as time(1) reads it from wait4(2).</summary>
    private static Figure PluginMemory(BenchLab lab, NetNamespace node)
    {
        const int container = 9999;
        var report = Path.GetTempFileName();
        var caller = CniCaller.Weft(lab, node, "r") with { Wrapper = ["/usr/bin/time", "-f", "%M", "-o", report] };
        try
        {
            caller.Prepare(container);
            caller.Add(container);
            var kilobytes = double.Parse(File.ReadAllText(report), CultureInfo.InvariantCulture);
            return new Figure("plugin process, resident at most, during ADD", kilobytes / 1024, "MB", 15);
        }
        finally
        {
            caller.DeleteAll();
            File.Delete(report);
        }
    }

    /// <summary>One node, and a pool with room for all.</summary>
    private static BenchLab Lab()
    {
        var lab = new BenchLab("bench", 1);
        lab.Apply(
            """
            apiVersion: weft.dev/v1alpha1
            kind: IPPool
            metadata: {name: bench}
            spec: {cidr: 10.64.0.0/16, blockSize: 19}
            """);
        return lab;
    }
}
