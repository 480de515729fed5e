using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Model;
using Weft.Store;

namespace Weft.Kubernetes.Watch;

/// <summary>Every resource that an agent mirrors, as one list.</summary>
public static class ClusterReflectors
{
    /// <summary>Names every source to the store at once, so that the store is synced only when all of them are; then runs them.</summary>
    public static Task RunAsync(ApiConnection api, ClusterStore store, ILogger logger, CancellationToken cancel)
    {
        var runs = new List<Func<Task>>();

        Add("nodes", "api/v1/nodes", ApiJson.Default.ApiNode, ApiJson.Default.ApiListApiNode, r => r.Name, NodeConverter.Convert, store.Nodes);
        Add("namespaces", "api/v1/namespaces", ApiJson.Default.ApiNamespace, ApiJson.Default.ApiListApiNamespace, r => r.Name, NamespaceConverter.Convert, store.Namespaces);
        Add("pods", "api/v1/pods", ApiJson.Default.ApiPod, ApiJson.Default.ApiListApiPod, r => r.Key, WorkloadConverter.Convert, store.Workloads);
        Add("services", "api/v1/services", ApiJson.Default.ApiService, ApiJson.Default.ApiListApiService, r => r.Key, ServiceConverter.Convert, store.Services);
        Add("endpointslices", "apis/discovery.k8s.io/v1/endpointslices", ApiJson.Default.ApiEndpointSlice, ApiJson.Default.ApiListApiEndpointSlice, r => r.Key, EndpointSliceConverter.Convert, store.EndpointSlices);
        Add("networkpolicies", "apis/networking.k8s.io/v1/networkpolicies", ApiJson.Default.ApiNetworkPolicy, ApiJson.Default.ApiListApiNetworkPolicy, r => r.Key, PolicyConverter.Convert, store.Policies);
        Add("ippools", $"{WeftApi.Path}/ippools", ApiJson.Default.ApiAddressPool, ApiJson.Default.ApiListApiAddressPool, r => r.Name, IpPoolConverter.Convert, store.Pools, optional: true);
        Add("ipblocks", $"{WeftApi.Path}/ipblocks", ApiJson.Default.ApiAddressBlock, ApiJson.Default.ApiListApiAddressBlock, r => r.Name, IpBlockConverter.Convert, store.Blocks, optional: true);
        return Task.WhenAll(runs.Select(run => run()));

        void Add<TApi, TKey, TRow>(
            string name, string path, JsonTypeInfo<TApi> type, JsonTypeInfo<ApiList<TApi>> list, Func<TRow, TKey> key, Func<TApi, TRow> convert, Table<TKey, TRow> table, bool optional = false)
            where TApi : class, IApiObject
            where TKey : notnull
            where TRow : class
        {
            store.Expect(name);
            var reflector = new Reflector<TApi, TKey, TRow>(api, store, new Reflection<TApi, TKey, TRow>(name, path, type, list, key, convert, table, optional), logger);
            runs.Add(() => reflector.RunAsync(cancel));
        }
    }
}
