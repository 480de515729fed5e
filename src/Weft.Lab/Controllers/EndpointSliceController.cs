using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Keeps the EndpointSlices of every Service with a selector, and an Endpoints object that mirrors them.</summary>
internal sealed class EndpointSliceController : Controller
{
    private const string Slices = "endpointslices.discovery.k8s.io";
    private const string Manager = "endpointslice-controller.k8s.io";
    private const string ServiceLabel = "kubernetes.io/service-name";
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";

    /// <summary>Addresses an Endpoints object holds at most (its annotation over-capacity says so).</summary>
    private const int MostMirrored = 1000;

    public EndpointSliceController(InformerSet api, LabLog log) : base(api, log)
    {
        WatchSelf("services");
        api.For("nodes");
        api.For("endpoints");
        api.For("pods").Changed += (old, now) =>
        {
            if (old is not null && now is not null && !Matters(old, now))
                return;
            var ns = (now ?? old)!.Namespace();
            foreach (var service in Api.For("services").In(ns))
            {
                var selector = service.Obj("spec", "selector");
                if (selector is { Count: > 0 } && new[] { old, now }.Any(p => p is not null && LabelSelectors.MatchesMap(selector, p.Obj("metadata", "labels"))))
                    Queue.Add(service.Key());
            }
        };
        api.For(Slices).Changed += (old, now) =>
        {
            var slice = (now ?? old)!;
            if (slice.Label(ManagedBy) == Manager && slice.Label(ServiceLabel) is { } name)
                Queue.Add(slice.Namespace() + "/" + name);
        };
    }

    public override string Name => "endpointslice-controller";

    private static bool Matters(JsonObject old, JsonObject now) =>
        PodTemplates.IsReady(old) != PodTemplates.IsReady(now) || old.IsDeleting() != now.IsDeleting() || PodTemplates.IsOver(old) != PodTemplates.IsOver(now) ||
        !JsonNode.DeepEquals(old.At("status", "podIPs"), now.At("status", "podIPs")) || old.Uid() != now.Uid() ||
        !JsonNode.DeepEquals(old.At("metadata", "labels"), now.At("metadata", "labels"));

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        var (ns, name) = KubeJson.SplitKey(key);
        var existing = Api.For(Slices).In(ns).Where(s => s.Label(ServiceLabel) == name && s.Label(ManagedBy) == Manager).ToList();
        var service = Api.For("services").Get(key);
        if (service is null || service.IsDeleting())
        {
            foreach (var slice in existing)
                await Api.DeleteAsync(Slices, slice, cancel);
            if (Api.For("endpoints").Get(key) is { } left && left.Label(ManagedBy) == Manager)
                await Api.DeleteAsync("endpoints", left, cancel);
            return;
        }

        // Without a selector the endpoints are somebody else's work, and an ExternalName has none.
        if (service.Obj("spec", "selector") is not { Count: > 0 } || service.Str("spec", "type") == "ExternalName")
            return;
        var groups = EndpointSlices.Compute(service, Api.For("pods").In(ns), n => Api.For("nodes").Get("", n));
        await ApplyAsync(service, groups, existing, cancel);
        await MirrorAsync(service, groups, cancel);
    }

    private async Task ApplyAsync(JsonObject service, IReadOnlyList<EndpointSlices.Group> groups, List<JsonObject> existing, CancellationToken cancel)
    {
        var free = new List<JsonObject>(existing);
        foreach (var group in groups)
        {
            // Reuse the slice that resembles it most, so that watchers see the smallest change.
            var slice = free.Where(s => s.Str("addressType") == group.AddressType)
                .OrderByDescending(s => JsonNode.DeepEquals(s["ports"], group.Ports))
                .ThenByDescending(s => Overlap(s, group)).FirstOrDefault();
            var endpoints = group.Endpoints.ToJsonArray();
            if (slice is null)
            {
                await CreateAsync(service, group, endpoints, cancel);
                continue;
            }

            free.Remove(slice);
            if (JsonNode.DeepEquals(slice["endpoints"] ?? new JsonArray(), endpoints) && JsonNode.DeepEquals(slice["ports"] ?? new JsonArray(), group.Ports))
                continue;
            await Api.PatchAsync(Slices, slice, new JsonObject { ["endpoints"] = endpoints, ["ports"] = group.Ports }, cancel);
        }

        foreach (var slice in free)
            await Api.DeleteAsync(Slices, slice, cancel);
    }

    private static int Overlap(JsonObject slice, EndpointSlices.Group group)
    {
        var there = slice.Items("endpoints").Select(e => e.Strings("addresses").FirstOrDefault()).ToHashSet();
        return group.Endpoints.Count(e => there.Contains(e.Strings("addresses").FirstOrDefault()));
    }

    private async Task CreateAsync(JsonObject service, EndpointSlices.Group group, JsonArray endpoints, CancellationToken cancel)
    {
        var labels = new JsonObject { [ServiceLabel] = service.Name(), [ManagedBy] = Manager };
        if (service.Str("spec", "clusterIP") == "None")
            labels["service.kubernetes.io/headless"] = "";
        await Api.CreateAsync(Slices, service.Namespace(), new JsonObject
        {
            ["apiVersion"] = "discovery.k8s.io/v1",
            ["kind"] = "EndpointSlice",
            ["metadata"] = new JsonObject
            {
                ["generateName"] = service.Name() + "-",
                ["namespace"] = service.Namespace(),
                ["labels"] = labels,
                ["ownerReferences"] = new JsonArray(PodTemplates.OwnerReference(service, "v1", "Service")),
            },
            ["addressType"] = group.AddressType,
            ["endpoints"] = endpoints,
            ["ports"] = group.Ports,
        }, cancel);
    }

    /// <summary>Endpoints (v1) for clients that have not moved on: the first family only, as that API has it.</summary>
    private async Task MirrorAsync(JsonObject service, IReadOnlyList<EndpointSlices.Group> groups, CancellationToken cancel)
    {
        var subsets = new JsonArray();
        int left = MostMirrored;
        foreach (var group in groups.Where(g => g.AddressType == groups[0].AddressType && g.Endpoints.Count > 0))
        {
            var ready = new JsonArray();
            var notReady = new JsonArray();
            foreach (var endpoint in group.Endpoints.Take(left))
            {
                if (endpoint.Flag("conditions", "terminating") && !endpoint.Flag("conditions", "ready"))
                    continue;
                var address = new JsonObject { ["ip"] = endpoint.Strings("addresses").First(), ["nodeName"] = endpoint.Str("nodeName"), ["targetRef"] = endpoint["targetRef"]!.DeepClone() };
                if (endpoint.Str("hostname") is { } host)
                    address["hostname"] = host;
                (endpoint.Flag("conditions", "ready") ? ready : notReady).Add((JsonNode)address);
                left--;
            }

            var subset = new JsonObject();
            if (ready.Count > 0)
                subset["addresses"] = ready;
            if (notReady.Count > 0)
                subset["notReadyAddresses"] = notReady;
            if (subset.Count == 0)
                continue;
            subset["ports"] = group.Ports.DeepClone();
            subsets.Add((JsonNode)subset);
        }

        var current = Api.For("endpoints").Get(service.Key());
        if (current is null)
        {
            try
            {
                await Api.CreateAsync("endpoints", service.Namespace(), new JsonObject
                {
                    ["apiVersion"] = "v1",
                    ["kind"] = "Endpoints",
                    ["metadata"] = new JsonObject
                    {
                        ["name"] = service.Name(), ["namespace"] = service.Namespace(),
                        ["labels"] = new JsonObject { [ManagedBy] = Manager, ["endpointslice.kubernetes.io/skip-mirror"] = "true" },
                    },
                    ["subsets"] = subsets,
                }, cancel);
            }
            catch (ApiStatusException e) when (e.Reason == "AlreadyExists")
            {
                Queue.AddAfter(service.Key(), TimeSpan.FromMilliseconds(100));
            }
        }
        else if (!JsonNode.DeepEquals(current["subsets"] ?? new JsonArray(), subsets))
        {
            await Api.PatchAsync("endpoints", current, new JsonObject { ["subsets"] = subsets }, cancel);
        }
    }
}
