using System.Net.Sockets;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;
using Weft.Lab.Topology;
using Weft.Model.Cluster;

namespace Weft.Lab.Daemon;

/// <summary>The objects that a cluster has before anyone uses it: what kubeadm and the API server's own controllers make.</summary>
internal sealed class Bootstrap(IApiClient client, LabTopology topology, TimeProvider time)
{
    public const string LeaseNamespace = "kube-node-lease";

    public const string NotReadyTaint = "node.kubernetes.io/not-ready";

    public async Task RunAsync(int apiPort, CancellationToken cancel)
    {
        foreach (string ns in new[] { "default", "kube-system", "kube-public", LeaseNamespace })
            await EnsureAsync("namespaces", "", new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = Meta(ns) }, cancel);
        await EnsureAsync("servicecidrs.networking.k8s.io", "", ServiceCidr(), cancel);
        foreach (var definition in CustomResources.All())
            await ReplaceAsync("customresourcedefinitions.apiextensions.k8s.io", "", definition, ["spec"], cancel);
        await ApiServiceAsync(apiPort, cancel);
        await EnsureAsync("services", "kube-system", DnsService(), cancel);
        foreach (var node in topology.Nodes)
            await NodeAsync(node, cancel);
    }

    /// <summary>Where Service addresses come from; the cluster's own range has this name (KEP-1880).</summary>
    private JsonObject ServiceCidr() => new()
    {
        ["apiVersion"] = "networking.k8s.io/v1",
        ["kind"] = "ServiceCIDR",
        ["metadata"] = Meta("kubernetes"),
        ["spec"] = new JsonObject { ["cidrs"] = topology.ServiceCidrs.Select(c => c.ToString()).ToJsonArray() },
    };

    private static JsonObject Meta(string name, JsonObject? labels = null)
    {
        var meta = new JsonObject { ["name"] = name };
        if (labels is not null)
            meta["labels"] = labels;
        return meta;
    }

    /// <summary>Looks first: making a Service again would find its address taken, by itself, before it finds its name taken.</summary>
    private async Task EnsureAsync(string resource, string ns, JsonObject body, CancellationToken cancel)
    {
        try
        {
            await client.GetAsync(resource, ns, body.Name(), cancel);
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
            await client.CreateAsync(resource, ns, body, cancel);
        }
    }

    /// <summary>The <c>kubernetes</c> Service leads to the API where nodes and pods reach it: at the underlay's bridge.</summary>
    private async Task ApiServiceAsync(int port, CancellationToken cancel)
    {
        await EnsureAsync("services", "default", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Service",
            ["metadata"] = Meta("kubernetes", new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" }),
            ["spec"] = new JsonObject
            {
                ["type"] = "ClusterIP",
                // The first address of the range, which every client's configuration and certificate expects.
                ["clusterIP"] = topology.ServiceCidrs[0].AddressAt(1).ToString(),
                ["clusterIPs"] = topology.ServiceCidrs.Select(c => c.AddressAt(1).ToString()).ToJsonArray(),
                ["ipFamilyPolicy"] = topology.Family == IpFamily.Dual ? "PreferDualStack" : "SingleStack",
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443, ["protocol"] = "TCP", ["targetPort"] = port }),
                ["sessionAffinity"] = "None",
            },
        }, cancel);
        foreach (var address in topology.BridgeAddresses)
        {
            bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
            string name = v6 && topology.Family == IpFamily.Dual ? "kubernetes-ipv6" : "kubernetes";
            var slice = new JsonObject
            {
                ["apiVersion"] = "discovery.k8s.io/v1",
                ["kind"] = "EndpointSlice",
                ["metadata"] = Meta(name, new JsonObject { ["kubernetes.io/service-name"] = "kubernetes" }),
                ["addressType"] = v6 ? "IPv6" : "IPv4",
                ["endpoints"] = new JsonArray(new JsonObject
                {
                    ["addresses"] = new JsonArray(address.ToString()),
                    ["conditions"] = new JsonObject { ["ready"] = true },
                }),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = port, ["protocol"] = "TCP" }),
            };
            await ReplaceAsync("endpointslices.discovery.k8s.io", "default", slice, ["endpoints", "ports"], cancel);
        }

        await ReplaceAsync("endpoints", "default", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Endpoints",
            ["metadata"] = Meta("kubernetes"),
            ["subsets"] = new JsonArray(new JsonObject
            {
                ["addresses"] = new JsonArray(new JsonObject { ["ip"] = topology.BridgeAddresses[0].ToString() }),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = port, ["protocol"] = "TCP" }),
            }),
        }, ["subsets"], cancel);
    }

    /// <summary>Creates an object or brings the named fields of the one there up to date: the port is another after a restart.</summary>
    private async Task ReplaceAsync(string resource, string ns, JsonObject body, string[] fields, CancellationToken cancel)
    {
        try
        {
            await client.CreateAsync(resource, ns, body, cancel);
        }
        catch (ApiStatusException e) when (e.Reason == "AlreadyExists")
        {
            var patch = new JsonObject();
            foreach (string field in fields)
                patch[field] = body[field]!.DeepClone();
            await client.PatchAsync(resource, ns, body.Name(), PatchKind.Merge, patch, cancel: cancel);
        }
    }

    /// <summary>The DNS Service has no selector: every node's agent answers at its address.</summary>
    private JsonObject DnsService()
    {
        var ips = topology.DnsAddresses.Select(a => a.ToString()).ToList();
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Service",
            ["metadata"] = Meta("kube-dns", new JsonObject { ["k8s-app"] = "kube-dns", ["kubernetes.io/name"] = "CoreDNS" }),
            ["spec"] = new JsonObject
            {
                ["type"] = "ClusterIP",
                ["clusterIP"] = ips[0],
                ["clusterIPs"] = ips.ToJsonArray(),
                ["ipFamilyPolicy"] = topology.Family == IpFamily.Dual ? "PreferDualStack" : "SingleStack",
                ["ports"] = new JsonArray(
                    new JsonObject { ["name"] = "dns", ["port"] = 53, ["protocol"] = "UDP", ["targetPort"] = 53 },
                    new JsonObject { ["name"] = "dns-tcp", ["port"] = 53, ["protocol"] = "TCP", ["targetPort"] = 53 }),
            },
        };
    }

    private async Task NodeAsync(LabNode node, CancellationToken cancel)
    {
        var labels = new JsonObject
        {
            ["kubernetes.io/hostname"] = node.Name,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = Architecture,
            ["topology.kubernetes.io/region"] = "lab",
            ["topology.kubernetes.io/zone"] = node.Zone,
        };
        await EnsureAsync("nodes", "", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = Meta(node.Name, labels),
            ["spec"] = new JsonObject
            {
                ["podCIDR"] = node.PodCidrs[0].ToString(),
                ["podCIDRs"] = node.PodCidrs.Select(c => c.ToString()).ToJsonArray(),
                ["providerID"] = $"weft://{topology.Name}/{node.Name}",
                // The second is what a kubelet registers with (--register-with-taints) where Weft is the network.
                ["taints"] = new JsonArray(
                    new JsonObject { ["key"] = NotReadyTaint, ["effect"] = "NoSchedule" },
                    new JsonObject { ["key"] = AgentTaint.Key, ["effect"] = AgentTaint.Effect }),
            },
        }, cancel);
        string now = time.GetUtcNow().ToTime();
        await client.PatchAsync("nodes", "", node.Name, PatchKind.Merge, new JsonObject
        {
            ["status"] = NodeStatus(node, now),
        }, "status", cancel);
    }

    private static string Architecture =>
        System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>Until its agent answers, a node is not ready, whatever it was before the daemon started.</summary>
    private static JsonObject NodeStatus(LabNode node, string now)
    {
        var resources = new JsonObject
        {
            ["cpu"] = Environment.ProcessorCount.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["memory"] = $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024}Ki",
            ["pods"] = "250",
            ["ephemeral-storage"] = "20Gi",
        };
        var addresses = node.Addresses.Select(a => new JsonObject { ["type"] = "InternalIP", ["address"] = a.ToString() })
            .Append(new JsonObject { ["type"] = "Hostname", ["address"] = node.Name });
        JsonObject Condition(string type, string status, string reason, string message) => new()
        {
            ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message,
            ["lastHeartbeatTime"] = now, ["lastTransitionTime"] = now,
        };
        return new JsonObject
        {
            ["addresses"] = addresses.ToJsonArray(),
            ["capacity"] = resources,
            ["allocatable"] = resources.DeepClone(),
            ["conditions"] = new JsonArray(
                Condition("NetworkUnavailable", "True", "NoAgent", "the node's agent has not answered yet"),
                Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                Condition("Ready", "False", "KubeletNotReady", "container runtime network not ready: the node's agent has not answered yet")),
            ["nodeInfo"] = new JsonObject
            {
                ["kubeletVersion"] = "v1.32.0",
                ["kubeProxyVersion"] = "",
                ["containerRuntimeVersion"] = "weft-lab://0.1.0",
                ["kernelVersion"] = Environment.OSVersion.Version.ToString(),
                ["osImage"] = "Weft lab",
                ["operatingSystem"] = "linux",
                ["architecture"] = Architecture,
                ["machineID"] = LabPaths.ShortHash("machine " + node.Name),
                ["systemUUID"] = LabPaths.ShortHash("system " + node.Name),
                ["bootID"] = LabPaths.ShortHash("boot " + node.Name + now),
            },
        };
    }
}
