using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Processes;
using Weft.Lab.Controllers;
using Weft.Lab.Daemon;
using Weft.Lab.Informers;
using Weft.Lab.Topology;

namespace Weft.Lab.Kubelet;

/// <summary>What one node's kubelet and its pods share.</summary>
/// <param name="Tokens">Issues a service account token: namespace, name.</param>
internal sealed record NodeContext(
    LabTopology Topology, LabNode Node, InformerSet Api, EventRecorder Events, CniRuntime Cni, NetNamespace Network,
    Func<string, string, string> Tokens, TimeProvider Time, LabLog Log) : IDisposable
{
    public LabPaths Paths { get; } = new(Topology.Name);

    public DateTimeOffset Now => Time.GetUtcNow();

    public Informer Pods => Api.For("pods");

    public Informer ConfigMaps => Api.For("configmaps");

    public Informer Secrets => Api.For("secrets");

    public Informer Services => Api.For("services");

    public IReadOnlyList<string> HostIps => [.. Node.Addresses.Select(a => a.ToString())];

    public Cgroup PodGroup(string uid) => LabProcesses.PodsGroup(Paths).Child(uid);

    public string PodState(string uid) => Path.Combine(Paths.NodeState(Node.Name), "pods", uid);

    public string PodRuntime(string uid) => Path.Combine(Paths.NodeRuntime(Node.Name), "pods", uid);

    public string CniConfDir => Paths.CniConfDir(Node.Name);

    public void Event(JsonObject pod, string type, string reason, string message, string? container = null) => Events.Record(
        pod, type, reason, message, "kubelet", Node.Name, container is null ? null : $"spec.containers{{{container}}}");

    public void Dispose() => Network.Dispose();
}
