using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Weft.Kernel;
using Weft.Kernel.Namespaces;
using Weft.KubeApi.Client;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>One node's kubelet: a worker for every pod bound to the node, and the node's own status and lease.</summary>
internal sealed class NodeKubelet(NodeContext node)
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeaseInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan NotReadyInterval = TimeSpan.FromMilliseconds(25);

    private readonly ConcurrentDictionary<string, PodWorker> _workers = new(StringComparer.Ordinal);
    private CancellationToken _cancel;
    private bool _accepting;

    public NodeContext Node => node;

    public PodWorker? Find(string ns, string name) =>
        _workers.Values.Where(w => w.Pod.Namespace() == ns && w.Pod.Name() == name).OrderBy(w => w.IsOver).FirstOrDefault();

    /// <summary>Names of pods that refer to a ConfigMap or Secret learn that it changed.</summary>
    public void SourceChanged(string ns)
    {
        foreach (var worker in _workers.Values.Where(w => w.Pod.Namespace() == ns && w.Pod.Items("spec", "volumes").Any(HasSource)))
            worker.RefreshVolumes();
    }

    private static bool HasSource(JsonObject volume) => volume["emptyDir"] is null && volume["hostPath"] is null;

    public void PodChanged(JsonObject? old, JsonObject? now)
    {
        if (!_accepting)
            return;
        if (old is not null && (now is null || now.Uid() != old.Uid()) && _workers.TryGetValue(old.Uid(), out var gone))
            gone.Gone();
        if (now is null)
            return;
        if (_workers.TryGetValue(now.Uid(), out var worker))
            worker.Update(now);
        else
            Start(now);
    }

    private void Start(JsonObject pod)
    {
        if (pod.Str("status", "phase") is "Succeeded" or "Failed" && !pod.IsDeleting() && !Directory.Exists(node.PodState(pod.Uid())))
            return;
        var worker = new PodWorker(node, pod);
        if (_workers.TryAdd(worker.Uid, worker))
            _ = FollowAsync(worker);
    }

    private async Task FollowAsync(PodWorker worker)
    {
        try
        {
            while (!_cancel.IsCancellationRequested && !worker.IsOver)
            {
                try
                {
                    await Task.Run(() => worker.RunAsync(_cancel), _cancel);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // A pod's trouble is that pod's alone.
                    node.Log.Warn("kubelet", $"{node.Node.Name}: pod {worker.Pod.Key()}: {e}");
                    await Task.Delay(1000, _cancel);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            _workers.TryRemove(worker.Uid, out _);
        }
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        _cancel = cancel;
        await Task.WhenAll(LeaseAsync(cancel), StatusAsync(cancel));
    }

    private async Task StatusAsync(CancellationToken cancel)
    {
        string? last = "";
        bool ready = false;
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                string? problem = await ProblemAsync(cancel);
                if (problem != last)
                {
                    last = problem;
                    ready = problem is null;
                    await WriteStatusAsync(problem, cancel);
                    if (ready && !_accepting)
                        await AcceptPodsAsync(cancel);
                }

                await Task.Delay(ready ? StatusInterval : NotReadyInterval, node.Time, cancel);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Why the node's network cannot take pods, or null: a configuration must be there and its plugins must answer STATUS.</summary>
    private async Task<string?> ProblemAsync(CancellationToken cancel)
    {
        try
        {
            var network = CniNetwork.Load(node.CniConfDir);
            if (network is null)
                return $"container runtime network not ready: no network configuration in {node.CniConfDir}";
            await node.Cni.StatusAsync(network, cancel);
            return null;
        }
        catch (Exception e) when (e is CniException or KernelException or IOException or System.ComponentModel.Win32Exception)
        {
            return "container runtime network not ready: " + e.Message;
        }
    }

    private async Task WriteStatusAsync(string? problem, CancellationToken cancel)
    {
        if (node.Api.For("nodes").Get("", node.Node.Name) is not { } current)
            return;
        var condition = Conditions.Make(
            current, "Ready", problem is null ? "True" : "False", node.Now, problem is null ? "KubeletReady" : "KubeletNotReady", problem ?? "kubelet is posting ready status");
        condition["lastHeartbeatTime"] = node.Now.ToTime();
        try
        {
            // By type (strategic merge): the other conditions are others' to write, NetworkUnavailable the agent's.
            await node.Api.PatchAsync("nodes", current, new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } }, cancel, "status", PatchKind.StrategicMerge);
            node.Log.Info("kubelet", $"{node.Node.Name}: {problem ?? "ready"}");
            if (problem is not null && !Conditions.IsTrue(current, "Ready"))
                return;
            node.Events.Record(current, problem is null ? "Normal" : "Warning", problem is null ? "NodeReady" : "NodeNotReady",
                $"Node {node.Node.Name} status is now: {(problem is null ? "NodeReady" : "NodeNotReady")}", "kubelet", node.Node.Name);
        }
        catch (ApiStatusException e)
        {
            node.Log.Warn("kubelet", $"{node.Node.Name}: node status: {e.Message}");
        }
    }

    /// <summary>When the network is up for the first time: what an earlier daemon attached is detached, then pods start.</summary>
    private async Task AcceptPodsAsync(CancellationToken cancel)
    {
        await RemoveLeftoversAsync(cancel);
        _accepting = true;
        foreach (var pod in node.Pods.All.Where(p => p.Str("spec", "nodeName") == node.Node.Name))
            PodChanged(null, pod);
    }

    private async Task RemoveLeftoversAsync(CancellationToken cancel)
    {
        foreach (var (network, attachment) in node.Cni.Recorded().ToList())
        {
            try
            {
                await node.Cni.DelAsync(network, attachment, cancel);
                if (attachment.NetNs.Length > 0)
                    NetNamespace.Delete(Path.GetFileName(attachment.NetNs));
            }
            catch (Exception e) when (e is CniException or KernelException)
            {
                node.Log.Warn("kubelet", $"{node.Node.Name}: left-over sandbox {attachment.ContainerId}: {e.Message}");
            }
        }

        // What no record knows of (a damaged state directory) goes by GC, which names only what is still attached.
        try
        {
            if (CniNetwork.Load(node.CniConfDir) is { } current)
                await node.Cni.GarbageCollectAsync(current, node.Cni.Recorded().Select(r => (r.Attachment.ContainerId, r.Attachment.IfName)), cancel);
        }
        catch (Exception e) when (e is CniException or KernelException)
        {
            node.Log.Warn("kubelet", $"{node.Node.Name}: GC: {e.Message}");
        }
    }

    /// <summary>The lease is the node's heartbeat (coordination.k8s.io/v1).</summary>
    private async Task LeaseAsync(CancellationToken cancel)
    {
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                try
                {
                    await RenewAsync(cancel);
                }
                catch (ApiStatusException e)
                {
                    node.Log.Warn("kubelet", $"{node.Node.Name}: lease: {e.Message}");
                }

                await Task.Delay(LeaseInterval, node.Time, cancel);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task RenewAsync(CancellationToken cancel)
    {
        var spec = new JsonObject
        {
            ["holderIdentity"] = node.Node.Name, ["leaseDurationSeconds"] = 40, ["renewTime"] = node.Now.ToMicroTime(),
        };
        try
        {
            await node.Api.Client.PatchAsync("leases.coordination.k8s.io", Bootstrap.LeaseNamespace, node.Node.Name, PatchKind.Merge,
                new JsonObject { ["spec"] = spec.DeepClone() }, cancel: cancel);
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
            await node.Api.Client.CreateAsync("leases.coordination.k8s.io", Bootstrap.LeaseNamespace, new JsonObject
            {
                ["apiVersion"] = "coordination.k8s.io/v1",
                ["kind"] = "Lease",
                ["metadata"] = new JsonObject { ["name"] = node.Node.Name, ["namespace"] = Bootstrap.LeaseNamespace },
                ["spec"] = spec,
            }, cancel);
        }
    }
}
