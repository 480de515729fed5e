using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Core;

/// <summary>Namespaces, nodes, configuration, identities, events and leases.</summary>
internal static class CoreKinds
{
    public static ResourceDefinition[] All => [Namespace, Node, ConfigMap, Secret, ServiceAccount, EventKind.Core, EventKind.Events, Lease];

    private static ResourceDefinition Namespace => new()
    {
        Group = "", Version = "v1", Kind = "Namespace", Plural = "namespaces", Singular = "namespace", ShortNames = ["ns"],
        Namespaced = false, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Namespace"), Schema = BuiltIn.Schema("core.v1.Namespace"),
        ValidateName = Names.Dns1123Label, Default = CoreRules.DefaultNamespace,
        PrepareForCreate = CoreRules.PrepareNamespace, PrepareForUpdate = CoreRules.UpdateNamespace,
        Validate = BuiltIn.Validation("core.v1.Namespace"),
        SelectableFields = ["status.phase"],
        TableColumns =
        [
            Column.Name,
            Column.Text("Status", "The status of the namespace", obj => obj.Object("status").Text("phase")),
            Column.Age,
        ],
    };

    private static ResourceDefinition Node => new()
    {
        Group = "", Version = "v1", Kind = "Node", Plural = "nodes", Singular = "node", ShortNames = ["no"],
        Namespaced = false, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Node"), Schema = BuiltIn.Schema("core.v1.Node"),
        Default = BuiltIn.Defaults("core.v1.Node", CoreRules.DefaultNode),
        Validate = BuiltIn.Validation("core.v1.Node", CoreRules.Node),
        SelectableFields = ["spec.unschedulable"],
        TableColumns = NodeColumns.All,
    };

    private static ResourceDefinition ConfigMap => new()
    {
        Group = "", Version = "v1", Kind = "ConfigMap", Plural = "configmaps", Singular = "configmap", ShortNames = ["cm"],
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.ConfigMap"), Schema = BuiltIn.Schema("core.v1.ConfigMap"),
        Validate = BuiltIn.Validation("core.v1.ConfigMap", ConfigRules.ConfigMap),
        TableColumns =
        [
            Column.Name,
            Column.Number("Data", "Number of keys", obj => (obj.Object("data")?.Count ?? 0) + (obj.Object("binaryData")?.Count ?? 0)),
            Column.Age,
        ],
    };

    private static ResourceDefinition Secret => new()
    {
        Group = "", Version = "v1", Kind = "Secret", Plural = "secrets", Singular = "secret",
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Secret"), Schema = BuiltIn.Schema("core.v1.Secret"),
        Default = ConfigRules.DefaultSecret, Validate = BuiltIn.Validation("core.v1.Secret", ConfigRules.Secret),
        SelectableFields = ["type"],
        TableColumns =
        [
            Column.Name,
            Column.Text("Type", "Used to facilitate programmatic handling of secret data.", obj => obj.Text("type")),
            Column.Number("Data", "Number of keys", obj => obj.Object("data")?.Count ?? 0),
            Column.Age,
        ],
    };

    private static ResourceDefinition ServiceAccount => new()
    {
        Group = "", Version = "v1", Kind = "ServiceAccount", Plural = "serviceaccounts", Singular = "serviceaccount", ShortNames = ["sa"],
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.ServiceAccount"), Schema = BuiltIn.Schema("core.v1.ServiceAccount"),
        Validate = BuiltIn.Validation("core.v1.ServiceAccount"),
        TableColumns =
        [
            Column.Name,
            Column.Number("Secrets", "Secrets is a list of the secrets that pods running as this account may use.", obj => obj.Array("secrets")?.Count ?? 0),
            Column.Age,
        ],
    };

    private static ResourceDefinition Lease => new()
    {
        Group = "coordination.k8s.io", Version = "v1", Kind = "Lease", Plural = "leases", Singular = "lease",
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("coordination.v1.Lease"), Schema = BuiltIn.Schema("coordination.v1.Lease"),
        Validate = BuiltIn.Validation("coordination.v1.Lease", CoreRules.Lease),
        TableColumns =
        [
            Column.Name,
            Column.Text("Holder", "The identity of the holder of the lease.", obj => obj.Object("spec").Text("holderIdentity")),
            Column.Age,
        ],
    };
}
