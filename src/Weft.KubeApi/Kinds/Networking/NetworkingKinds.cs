using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Services;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Networking;

/// <summary>networking.k8s.io: NetworkPolicy, ServiceCIDR and IPAddress.</summary>
internal static class NetworkingKinds
{
    private const string Group = "networking.k8s.io";

    /// <summary>v1 goes before v1beta1: the first version of a resource is the preferred one.</summary>
    public static ResourceDefinition[] All(ServiceAdmission services) =>
    [
        NetworkPolicy,
        ServiceCidr("v1", services), IpAddress("v1", services),
        ServiceCidr("v1beta1", services), IpAddress("v1beta1", services),
    ];

    private static ResourceDefinition NetworkPolicy => new()
    {
        Group = Group, Version = "v1", Kind = "NetworkPolicy", Plural = "networkpolicies", Singular = "networkpolicy", ShortNames = ["netpol"],
        Namespaced = true,
        SchemaName = BuiltIn.SchemaName("networking.v1.NetworkPolicy"), Schema = BuiltIn.Schema("networking.v1.NetworkPolicy"),
        Default = BuiltIn.Defaults("networking.v1.NetworkPolicy", NetworkPolicyRules.Default),
        Validate = BuiltIn.Validation("networking.v1.NetworkPolicy", NetworkPolicyRules.Validate),
        TableColumns =
        [
            Column.Name,
            Column.Text("Pod-Selector", "The pods that this policy applies to.", obj => LabelSelectors.Format(obj.ObjectAt("spec", "podSelector"))),
            Column.Age,
        ],
    };

    private static ResourceDefinition ServiceCidr(string version, ServiceAdmission services) => new()
    {
        Group = Group, Version = version, Kind = "ServiceCIDR", Plural = "servicecidrs", Singular = "servicecidr",
        Namespaced = false, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("networking.v1.ServiceCIDR"), Schema = BuiltIn.Schema("networking.v1.ServiceCIDR"),
        PrepareForCreate = ServiceAdmission.PrepareRange, Committed = services.RangeCommittedAsync,
        Validate = BuiltIn.Validation("networking.v1.ServiceCIDR", AddressRules.ValidateServiceCidr),
        TableColumns =
        [
            Column.Name,
            Column.Text("CIDRs", "The address ranges of Services.", obj => string.Join(",", obj.Object("spec").Texts("cidrs"))),
            Column.Age,
        ],
    };

    private static ResourceDefinition IpAddress(string version, ServiceAdmission services) => new()
    {
        Group = Group, Version = version, Kind = "IPAddress", Plural = "ipaddresses", Singular = "ipaddress", ShortNames = ["ip"],
        Namespaced = false, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("networking.v1.IPAddress"), Schema = BuiltIn.Schema("networking.v1.IPAddress"),
        ValidateName = AddressRules.Name, Committed = services.AddressCommittedAsync,
        Validate = BuiltIn.Validation("networking.v1.IPAddress", AddressRules.ValidateIpAddress),
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
