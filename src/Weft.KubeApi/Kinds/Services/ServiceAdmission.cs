using System.Net;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds.Validation;
using Weft.KubeApi.Rest;
using Weft.Primitives;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>
/// Gives Services their addresses and node ports before they are stored, and keeps the IPAddress objects beside them. One instance a
/// server. What a refused or dry-run write took goes back.
/// </summary>
internal sealed class ServiceAdmission(Random random)
{
    private const string IpAddresses = "ipaddresses.networking.k8s.io";

    private readonly ServiceAddresses _addresses = new(random);
    private readonly NodePorts _nodePorts = new(random);

    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken cancel)
    {
        if (request.Operation == AdmissionOperation.Delete || request.Subresource.Length > 0)
            return ValueTask.CompletedTask;
        var spec = request.Object.Ensure("spec");
        var before = request.OldObject.Object("spec");
        var taken = new Taken(this, KeyOf(request.Object));
        var errors = new Errors();
        if (ServiceUpdates.NeedsClusterIp(spec))
        {
            ServiceFamilies.Resolve(spec, ServiceUpdates.NeedsClusterIp(before) ? before : null, _addresses.Families, errors);
            if (errors.Count == 0)
                ClusterIps(spec, before, taken, errors);
        }
        if (errors.Count == 0 && ServiceUpdates.NeedsNodePorts(spec))
            Ports(spec, before, taken, errors);
        if (errors.Count == 0 && ServiceUpdates.NeedsHealthCheckPort(spec))
            HealthCheckPort(spec, before, taken, errors);
        if (errors.Count > 0)
        {
            taken.GiveBack();
            throw StatusErrors.Invalid(request.Definition, request.Object.Object("metadata").Text("name") ?? "", errors);
        }
        request.Rollback.Add(() =>
        {
            taken.GiveBack();
            return ValueTask.CompletedTask;
        });
        return ValueTask.CompletedTask;
    }

    /// <summary>After a Service is stored or gone: records or returns what it has, and makes or removes its IPAddress objects.</summary>
    public async ValueTask CommittedAsync(CommittedChange change, CancellationToken cancel)
    {
        var key = KeyOf((change.New ?? change.Old)!);
        var (was, now) = (AddressesOf(change.Old), AddressesOf(change.New));
        var (hadPorts, hasPorts) = (PortsOf(change.Old), PortsOf(change.New));
        foreach (var port in hasPorts)
            _nodePorts.Restore(port, key);
        foreach (var port in hadPorts.Except(hasPorts))
            _nodePorts.Release(port, key);
        foreach (var ip in now)
            _addresses.Restore(ip, key);
        if (change.Replay)
            return;
        foreach (var ip in now.Except(was))
            await MakeObjectAsync(change, ip, cancel);
        foreach (var ip in was.Except(now))
        {
            await RemoveObjectAsync(change.Client, ip, cancel);
            _addresses.Release(ip, key);
        }
    }

    public ValueTask RangeCommittedAsync(CommittedChange change, CancellationToken cancel)
    {
        var name = (change.New ?? change.Old).Object("metadata").Text("name")!;
        if (change.New is null || change.New.Object("metadata").Text("deletionTimestamp") is not null)
            _addresses.RemoveRange(name);
        else
            _addresses.SetRange(name, change.New.Object("spec").Texts("cidrs").Where(c => IpPrefix.TryParse(c, out _)).Select(IpPrefix.Parse));
        return ValueTask.CompletedTask;
    }

    /// <summary>A new range is usable as soon as it is stored, and says so at once.</summary>
    public static void PrepareRange(JsonObject range) => range["status"] = new JsonObject
    {
        ["conditions"] = new JsonArray(new JsonObject
        {
            ["type"] = "Ready", ["status"] = "True", ["reason"] = "Ready", ["message"] = "Kubernetes Service CIDR is ready",
            ["lastTransitionTime"] = range.Object("metadata")?["creationTimestamp"]?.DeepClone(),
        }),
    };

    public ValueTask AddressCommittedAsync(CommittedChange change, CancellationToken cancel)
    {
        if (IPAddress.TryParse((change.New ?? change.Old).Object("metadata").Text("name"), out var address))
            _addresses.SetObject(address, change.New is not null);
        return ValueTask.CompletedTask;
    }

    private static string KeyOf(JsonObject service) => $"{service.Object("metadata").Text("namespace")}/{service.Object("metadata").Text("name")}";

    private static List<IPAddress> AddressesOf(JsonObject? service)
    {
        var found = new List<IPAddress>();
        foreach (var text in service.Object("spec").Texts("clusterIPs"))
        {
            if (Names.TryIp(text, out var ip))
                found.Add(ip);
        }
        return found;
    }

    private static List<int> PortsOf(JsonObject? service)
    {
        var spec = service.Object("spec");
        var ports = spec.Items("ports").Select(p => p.Item.Integer("nodePort")).Append(spec.Integer("healthCheckNodePort"));
        return [.. ports.Where(p => p is > 0 and <= 65535).Select(p => (int)p!.Value)];
    }

    private void ClusterIps(JsonObject spec, JsonObject? before, Taken taken, Errors errors)
    {
        var ips = spec.Texts("clusterIPs").ToList();
        if (ServiceUpdates.IsHeadless(spec))
        {
            spec["clusterIP"] = "None";
            spec["clusterIPs"] = new JsonArray("None");
            return;
        }
        var held = ServiceUpdates.NeedsClusterIp(before) ? before.Texts("clusterIPs").ToHashSet() : [];
        var families = spec.Texts("ipFamilies").ToList();
        for (var i = 0; i < families.Count && errors.Count == 0; i++)
        {
            if (i < ips.Count && ips[i].Length > 0)
            {
                if (!held.Contains(ips[i]))
                    TakeAsked(ips[i], spec, taken, errors);
            }
            else if (_addresses.TakeAny(families[i] == "IPv6", taken.Owner) is { } free)
            {
                taken.Addresses.Add(free);
                ips.Add(free.ToString());
            }
            else
            {
                var ranges = _addresses.Ranges(families[i] == "IPv6");
                errors.Invalid("spec.clusterIPs", spec["clusterIPs"], ranges.Length == 0
                    ? $"failed to allocate a serviceIP: there is no ServiceCIDR with an {families[i]} range; create one named kubernetes"
                    : $"failed to allocate a serviceIP: range {ranges} is full");
            }
        }
        spec["clusterIPs"] = new JsonArray([.. ips.Select(i => JsonValue.Create(i))]);
        spec["clusterIP"] = ips.FirstOrDefault();
    }

    private void TakeAsked(string text, JsonObject spec, Taken taken, Errors errors)
    {
        if (!Names.TryIp(text, out var ip))
            return; // validation says so
        string? wrong = null;
        if (!_addresses.Contains(ip))
        {
            var v6 = Names.Family(ip) == "IPv6";
            wrong = $"failed to allocate IP {ip}: the provided IP ({ip}) is not in the valid range. The range of valid IPs is {_addresses.Ranges(v6)}";
        }
        else if (!_addresses.TryTake(ip, taken.Owner))
        {
            wrong = $"failed to allocate IP {ip}: provided IP is already allocated";
        }
        if (wrong is null)
            taken.Addresses.Add(ip);
        else
            errors.Invalid("spec.clusterIPs", spec["clusterIPs"], wrong);
    }

    private void Ports(JsonObject spec, JsonObject? before, Taken taken, Errors errors)
    {
        var held = before.Items("ports").Select(p => p.Item.Integer("nodePort") ?? 0).ToHashSet();
        // One port number with two protocols, as DNS has it, gets one node port.
        var shared = new Dictionary<long, int>();
        foreach (var (i, port) in spec.Items("ports"))
        {
            var number = port.Integer("port") ?? 0;
            if (port.Integer("nodePort") is { } asked && asked != 0)
            {
                if (!held.Contains(asked) && !taken.Ports.Contains((int)asked))
                    TakePort(asked, $"spec.ports[{i}].nodePort", taken, errors);
                shared.TryAdd(number, (int)asked);
            }
            else if (shared.TryGetValue(number, out var same) && !Uses(spec, same, port.Text("protocol")))
            {
                port["nodePort"] = same;
            }
            else if (_nodePorts.TakeAny(taken.Owner) is { } free)
            {
                taken.Ports.Add(free);
                port["nodePort"] = free;
                shared.TryAdd(number, free);
            }
            else
            {
                errors.Invalid($"spec.ports[{i}].nodePort", 0, $"failed to allocate a nodePort: range {NodePorts.First}-{NodePorts.Last} is full");
            }
        }
    }

    private static bool Uses(JsonObject spec, int nodePort, string? protocol) =>
        spec.Items("ports").Any(p => p.Item.Integer("nodePort") == nodePort && p.Item.Text("protocol") == protocol);

    private void TakePort(long asked, string path, Taken taken, Errors errors)
    {
        if (!NodePorts.InRange(asked))
            errors.Invalid(path, asked, $"provided port is not in the valid range. The range of valid ports is {NodePorts.First}-{NodePorts.Last}");
        else if (!_nodePorts.TryTake((int)asked, taken.Owner))
            errors.Invalid(path, asked, "provided port is already allocated");
        else
            taken.Ports.Add((int)asked);
    }

    private void HealthCheckPort(JsonObject spec, JsonObject? before, Taken taken, Errors errors)
    {
        if (spec.Integer("healthCheckNodePort") is { } asked && asked != 0)
        {
            if (asked != before.Integer("healthCheckNodePort"))
                TakePort(asked, "spec.healthCheckNodePort", taken, errors);
        }
        else if (_nodePorts.TakeAny(taken.Owner) is { } free)
        {
            taken.Ports.Add(free);
            spec["healthCheckNodePort"] = free;
        }
    }

    private static async Task MakeObjectAsync(CommittedChange change, IPAddress ip, CancellationToken cancel)
    {
        var metadata = change.New.Object("metadata");
        var body = new JsonObject
        {
            ["apiVersion"] = "networking.k8s.io/v1", ["kind"] = "IPAddress",
            ["metadata"] = new JsonObject
            {
                ["name"] = ip.ToString(),
                ["labels"] = new JsonObject
                {
                    ["ipaddress.kubernetes.io/ip-family"] = Names.Family(ip), ["ipaddress.kubernetes.io/managed-by"] = "ipallocator",
                },
            },
            ["spec"] = new JsonObject
            {
                ["parentRef"] = new JsonObject
                {
                    ["group"] = "", ["resource"] = "services", ["namespace"] = metadata.Text("namespace"), ["name"] = metadata.Text("name"),
                },
            },
        };
        try
        {
            await change.Client.CreateAsync(IpAddresses, "", body, cancel);
        }
        catch (ApiStatusException e) when (e.Reason == "AlreadyExists")
        {
            // Left by a crash between the two writes: it names the same Service, or the memory of it would have refused the address.
        }
    }

    private static async Task RemoveObjectAsync(IApiClient client, IPAddress ip, CancellationToken cancel)
    {
        try
        {
            await client.DeleteAsync(IpAddresses, "", ip.ToString(), cancel: cancel);
        }
        catch (ApiStatusException e) when (e.Reason == "NotFound")
        {
            // Somebody removed it by hand.
        }
    }

    /// <summary>What one write took so far.</summary>
    private sealed class Taken(ServiceAdmission owner, string key)
    {
        public string Owner => key;

        public List<IPAddress> Addresses { get; } = [];

        public List<int> Ports { get; } = [];

        public void GiveBack()
        {
            foreach (var ip in Addresses)
                owner._addresses.Release(ip, key);
            foreach (var port in Ports)
                owner._nodePorts.Release(port, key);
        }
    }
}
