using System.Diagnostics;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Lab.Daemon;

namespace Weft.Benchmarks;

/// <summary>
/// CNI ADD from process start to exit, 100 pods one after another: Weft's plugin on a lab node against Debian's bridge with host-local, each in
/// turn for each pod, in a node namespace of its own.
/// </summary>
internal static class CniAddBench
{
    private const int Pods = 100;
    private const string Reference = "weft-benchref";
    private const string ReferencePlugins = "/usr/lib/cni";

    public static IEnumerable<Figure> Run(int runs)
    {
        var (p50, p99, ratio) = (new List<double>(), new List<double>(), new List<double>());
        using var lab = new BenchLab("bench", 1);
        var node = lab.Nodes.First();
        var list = JsonNode.Parse(File.ReadAllText(Directory.EnumerateFiles(lab.Paths.CniConfDir(node), "*.conflist").First()))!.AsObject();
        var weft = Single(list);
        for (var run = 0; run < runs; run++)
        {
            NetNamespace.Delete(Reference);
            using var reference = NetNamespace.Create(Reference);
            using var mine = lab.NodeNamespace(node);
            var state = Path.Combine(Path.GetTempPath(), $"weft-bench-{Environment.ProcessId}");
            try
            {
                var bridge = Bridge(state);
                var (weftTimes, bridgeTimes) = (new List<double>(), new List<double>());
                for (var i = 0; i < Pods; i++)
                {
                    weftTimes.Add(Add(mine, Path.Combine(LabBinaries.Directory, "weft-cni"), weft, $"weft-bench-w{i}"));
                    bridgeTimes.Add(Add(reference, Path.Combine(ReferencePlugins, "bridge"), bridge, $"weft-bench-b{i}"));
                }
                p50.Add(weftTimes.Percentile(0.5));
                p99.Add(weftTimes.Percentile(0.99));
                ratio.Add(weftTimes.Percentile(0.5) / bridgeTimes.Percentile(0.5));
                for (var i = 0; i < Pods; i++)
                {
                    Delete(mine, Path.Combine(LabBinaries.Directory, "weft-cni"), weft, $"weft-bench-w{i}");
                    Delete(reference, Path.Combine(ReferencePlugins, "bridge"), bridge, $"weft-bench-b{i}");
                }
            }
            finally
            {
                NetNamespace.Delete(Reference);
                if (Directory.Exists(state))
                    Directory.Delete(state, recursive: true);
            }
        }
        yield return new Figure("CNI ADD, 100 pods one after another, p50 (median of runs)", p50.Median(), "ms", 25);
        yield return new Figure("CNI ADD, 100 pods one after another, p99 (median of runs)", p99.Median(), "ms", 60);
        yield return new Figure("CNI ADD p50 against bridge + host-local (median of ratios)", ratio.Median(), "ratio", 1);
    }

    private static double Add(NetNamespace node, string plugin, string configuration, string pod)
    {
        NetNamespace.Delete(pod);
        NetNamespace.Create(pod).Dispose();
        var clock = Stopwatch.StartNew();
        node.Run(() => Shell.Run(plugin, [], configuration, Variables("ADD", pod)));
        return clock.Elapsed.TotalMilliseconds;
    }

    private static void Delete(NetNamespace node, string plugin, string configuration, string pod)
    {
        node.Run(() => Shell.Run(plugin, [], configuration, Variables("DEL", pod)));
        NetNamespace.Delete(pod);
    }

    private static Dictionary<string, string> Variables(string command, string pod) => new()
    {
        ["CNI_COMMAND"] = command,
        ["CNI_CONTAINERID"] = pod,
        ["CNI_NETNS"] = NetNamespace.PathOf(pod),
        ["CNI_IFNAME"] = "eth0",
        ["CNI_PATH"] = ReferencePlugins,
    };

    // What a runtime hands to the first plugin of a list.
    private static string Single(JsonObject list)
    {
        var plugin = list["plugins"]![0]!.DeepClone().AsObject();
        plugin["cniVersion"] = (string)list["cniVersion"]!;
        plugin["name"] = (string)list["name"]!;
        return plugin.ToJsonString();
    }

    private static string Bridge(string state) =>
        $$$"""
        {"cniVersion":"1.0.0","name":"bench","type":"bridge","bridge":"bench0","isGateway":true,"ipMasq":false,
         "ipam":{"type":"host-local","subnet":"10.88.0.0/16","dataDir":"{{{state}}}","routes":[{"dst":"0.0.0.0/0"}]}}
        """;
}
