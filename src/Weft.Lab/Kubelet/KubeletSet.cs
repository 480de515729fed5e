using Weft.Kernel.Namespaces;
using Weft.KubeApi;
using Weft.KubeApi.Streams;
using Weft.Lab.Controllers;
using Weft.Lab.Daemon;
using Weft.Lab.Informers;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Kubelet;

/// <summary>The kubelets of all nodes, fed by one watch of pods.</summary>
internal sealed class KubeletSet
{
    private readonly Dictionary<string, NodeKubelet> _kubelets = new(StringComparer.Ordinal);

    public KubeletSet(LabTopology topology, InformerSet api, ApiServer server, EventRecorder events, TimeProvider time, LabLog log)
    {
        var paths = new LabPaths(topology.Name);
        foreach (var node in topology.Nodes)
        {
            var space = NetNamespace.OpenNamed(paths.NodeNamespace(node.Name));
            var cni = new CniRuntime(space, LabBinaries.CniPath, Path.Combine(paths.NodeState(node.Name), "cni-cache"));
            _kubelets[node.Name] = new NodeKubelet(new NodeContext(topology, node, api, events, cni, space, server.IssueServiceAccountToken, time, log));
        }

        api.For("services");
        api.For("nodes");
        api.For("pods").Changed += (old, now) =>
        {
            if ((now ?? old).Str("spec", "nodeName") is { Length: > 0 } name && _kubelets.TryGetValue(name, out var kubelet))
                kubelet.PodChanged(old, now);
        };
        foreach (string source in new[] { "configmaps", "secrets" })
        {
            api.For(source).Changed += (old, now) =>
            {
                foreach (var kubelet in _kubelets.Values)
                    kubelet.SourceChanged((now ?? old)!.Namespace());
            };
        }

        Streams = new PodStreams((ns, name) => _kubelets.Values.Select(k => k.Find(ns, name)).FirstOrDefault(w => w is not null), time);
    }

    public IPodStreams Streams { get; }

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(_kubelets.Values.Select(k => k.RunAsync(cancel)));
}
