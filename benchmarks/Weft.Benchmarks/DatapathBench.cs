using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;

namespace Weft.Benchmarks;

/// <summary>
/// Pod to pod across two nodes: TCP round trips (sockperf) and bulk (iperf3) through the lab, against the same kernel VXLAN between the same kind of
/// namespaces set up by hand with ip(8) and no policy. The two take turns, and the ratio is of each pair.
/// </summary>
internal static class DatapathBench
{
    private const int Seconds = 2;

    public static IEnumerable<Figure> Run(int runs)
    {
        using var lab = new BenchLab("bench", 2);
        lab.RunProbes();
        lab.Apply(
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: probes}
            spec: {podSelector: {matchLabels: {app: probe}}, ingress: [{from: [{podSelector: {}}]}]}
            """);
        var pods = JsonNode.Parse(lab.Kubectl(["get", "pods", "-o", "json"]))!["items"]!.AsArray()
            .Select(p => (Address: (string)p!["status"]!["podIP"]!, Uid: (string)p["metadata"]!["uid"]!)).ToList();
        using var hand = new HandMadeVxlan();
        var (rr, bulk) = (new List<double>(), new List<double>());
        for (var i = 0; i < runs; i++)
        {
            var weft = Measure(lab.Paths.PodNamespace(pods[0].Uid), lab.Paths.PodNamespace(pods[1].Uid), pods[1].Address);
            var reference = Measure(HandMadeVxlan.Client, HandMadeVxlan.Server, HandMadeVxlan.ServerAddress);
            rr.Add(weft.RoundTrips / reference.RoundTrips);
            bulk.Add(weft.BitsPerSecond / reference.BitsPerSecond);
        }
        yield return new Figure("pod to pod over VXLAN, TCP round trips, against bare VXLAN", rr.Median(), "ratio", 0.8, AtLeast: true);
        yield return new Figure("pod to pod over VXLAN, TCP bulk, against bare VXLAN", bulk.Median(), "ratio", 0.8, AtLeast: true);
    }

    private static (double RoundTrips, double BitsPerSecond) Measure(string client, string server, string address)
    {
        using var from = NetNamespace.OpenNamed(client);
        using var to = NetNamespace.OpenNamed(server);
        return (RoundTrips(from, to, address), Bulk(from, to, address));
    }

    private static double RoundTrips(NetNamespace from, NetNamespace to, string address)
    {
        using var server = to.Run(() => Shell.Start("sockperf", ["server", "--tcp", "-i", address, "-p", "11111"]));
        try
        {
            Thread.Sleep(300);
            var output = from.Run(() => Shell.Run("sockperf", ["ping-pong", "--tcp", "-i", address, "-p", "11111", "-t", $"{Seconds}", "-m", "64"]));
            var line = output.Split('\n').First(l => l.Contains("[Valid Duration]", StringComparison.Ordinal));
            return Number(line, "ReceivedMessages=") / Number(line, "RunTime=");
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    private static double Bulk(NetNamespace from, NetNamespace to, string address)
    {
        using var server = to.Run(() => Shell.Start("iperf3", ["-s", "-1", "-B", address]));
        try
        {
            Thread.Sleep(300);
            var output = from.Run(() => Shell.Run("iperf3", ["-c", address, "-t", $"{Seconds}", "-J"]));
            return (double)JsonNode.Parse(output)!["end"]!["sum_received"]!["bits_per_second"]!;
        }
        finally
        {
            if (!server.HasExited)
                server.Kill();
            server.WaitForExit();
        }
    }

    private static double Number(string line, string key)
    {
        var rest = line[(line.IndexOf(key, StringComparison.Ordinal) + key.Length)..];
        var text = new string([.. rest.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]);
        return double.Parse(text, CultureInfo.InvariantCulture);
    }
}
