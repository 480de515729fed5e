using System.Diagnostics;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;

namespace Weft.Benchmarks;

/// <summary>Attaches containers by executing a chain of CNI plugins, in a node's namespace, as a runtime does.</summary>
/// <param name="Prefix">Of the containers' names, and of their namespaces'.</param>
internal sealed record CniCaller(NetNamespace Node, string Binaries, string Prefix, params IReadOnlyList<JsonObject> Plugins)
{
    public const string ReferencePlugins = "/usr/lib/cni";

    private readonly HashSet<int> _attached = [];

    /// <summary>A program and its arguments that execute the plugin; empty to execute it directly.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>Weft's plugin, configured as the agent of a lab's node asks for it.</summary>
    public static CniCaller Weft(BenchLab lab, NetNamespace node, string prefix)
    {
        var list = JsonNode.Parse(File.ReadAllText(Directory.EnumerateFiles(lab.Paths.CniConfDir(lab.Nodes.First()), "*.conflist").First()))!.AsObject();
        var plugin = list["plugins"]![0]!.DeepClone().AsObject();
        plugin.Remove("capabilities");
        plugin["cniVersion"] = (string)list["cniVersion"]!;
        plugin["name"] = (string)list["name"]!;
        return new CniCaller(node, Lab.Daemon.LabBinaries.Directory, prefix, plugin);
    }

    /// <summary>Debian's bridge with host-local, then portmap: what a node without Weft has.</summary>
    public static CniCaller Reference(NetNamespace node, string state, string prefix) => new(
        node, ReferencePlugins, prefix,
        JsonNode.Parse($$$"""
            {"cniVersion":"1.0.0","name":"bench","type":"bridge","bridge":"bench0","isGateway":true,"ipMasq":false,
             "ipam":{"type":"host-local","subnet":"10.88.0.0/16","dataDir":"{{{state}}}","routes":[{"dst":"0.0.0.0/0"}]}}
            """)!.AsObject(),
        JsonNode.Parse("""{"cniVersion":"1.0.0","name":"bench","type":"portmap","snat":true}""")!.AsObject());

    /// <summary>Makes a container's namespace; not part of what is measured.</summary>
    public void Prepare(int container)
    {
        NetNamespace.Delete(Name(container));
        NetNamespace.Create(Name(container)).Dispose();
        lock (_attached)
            _attached.Add(container);
    }

    /// <summary>ADD through the whole chain, each result handed on; milliseconds.</summary>
    public double Add(int container)
    {
        var clock = Stopwatch.StartNew();
        JsonNode? result = null;
        foreach (var plugin in Plugins)
        {
            var configuration = plugin.DeepClone().AsObject();
            if (result is not null)
                configuration["prevResult"] = result;
            result = JsonNode.Parse(Execute("ADD", configuration, container));
        }
        return clock.Elapsed.TotalMilliseconds;
    }

    public void Delete(int container)
    {
        foreach (var plugin in Plugins.Reverse())
            Execute("DEL", plugin, container);
        NetNamespace.Delete(Name(container));
        lock (_attached)
            _attached.Remove(container);
    }

    /// <summary>Takes away what is attached still.</summary>
    public void DeleteAll()
    {
        int[] all;
        lock (_attached)
            all = [.. _attached];
        foreach (var container in all)
            Delete(container);
    }

    private string Name(int container) => $"weft-bench-{Prefix}{container}";

    private string Execute(string command, JsonObject configuration, int container)
    {
        string[] words = [.. Wrapper, Path.Combine(Binaries, (string)configuration["type"]!)];
        var variables = new Dictionary<string, string>
        {
            ["CNI_COMMAND"] = command,
            ["CNI_CONTAINERID"] = Name(container),
            ["CNI_NETNS"] = NetNamespace.PathOf(Name(container)),
            ["CNI_IFNAME"] = "eth0",
            ["CNI_PATH"] = Binaries,
        };
        return Node.Run(() => Shell.Run(words[0], words[1..], configuration.ToJsonString(), variables));
    }
}
