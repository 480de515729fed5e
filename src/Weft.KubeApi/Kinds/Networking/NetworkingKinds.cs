using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Networking;

/// <summary>networking.k8s.io: NetworkPolicy, ServiceCIDR and IPAddress.</summary>
internal static class NetworkingKinds
{
    private const string Group = "networking.k8s.io";

    /// <summary>v1 goes before v1beta1: the first version of a resource is the preferred one.</summary>
    public static ResourceDefinition[] All =>
    [
        NetworkPolicy,
        ServiceCidr("v1"), IpAddress("v1"),
        ServiceCidr("v1beta1"), IpAddress("v1beta1"),
    ];

    private static ResourceDefinition NetworkPolicy => new()
    {
        Group = Group, Version = "v1", Kind = "NetworkPolicy", Plural = "networkpolicies", Singular = "networkpolicy", ShortNames = ["netpol"],
        Namespaced = true,
        SchemaName = BuiltIn.SchemaName("networking.v1.NetworkPolicy"), Schema = BuiltIn.Schema("networking.v1.NetworkPolicy"),
        TableColumns =
        [
            Column.Name,
            Column.Text("Pod-Selector", "The pods that this policy applies to.", obj => LabelSelectors.Format(obj.ObjectAt("spec", "podSelector"))),
            Column.Age,
        ],
    };

    private static ResourceDefinition ServiceCidr(string version) => new()
    {
        Group = Group, Version = version, Kind = "ServiceCIDR", Plural = "servicecidrs", Singular = "servicecidr",
        Namespaced = false, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("networking.v1.ServiceCIDR"), Schema = BuiltIn.Schema("networking.v1.ServiceCIDR"),
        TableColumns =
        [
            Column.Name,
            Column.Text("CIDRs", "The address ranges of Services.", obj => string.Join(",", obj.Object("spec").Texts("cidrs"))),
            Column.Age,
        ],
    };

    private static ResourceDefinition IpAddress(string version) => new()
    {
        Group = Group, Version = version, Kind = "IPAddress", Plural = "ipaddresses", Singular = "ipaddress", ShortNames = ["ip"],
        Namespaced = false, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("networking.v1.IPAddress"), Schema = BuiltIn.Schema("networking.v1.IPAddress"),
        SelectableFields = ["spec.parentRef.name", "spec.parentRef.namespace"],
        TableColumns =
        [
            Column.Name,
            Column.Text("ParentRef", "The object that the address is allocated to.", Parent),
        ],
    };

    private static string Parent(JsonObject obj)
    {
        var parent = obj.ObjectAt("spec", "parentRef");
        string?[] parts = [parent.Text("group"), parent.Text("resource"), parent.Text("namespace"), parent.Text("name")];
        return string.Join("/", parts.Where(p => !string.IsNullOrEmpty(p)));
    }
}
