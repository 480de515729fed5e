using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Core;

/// <summary>The table of <c>kubectl get nodes</c>.</summary>
internal static class NodeColumns
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static IReadOnlyList<TableColumn> All { get; } =
    [
        Column.Name,
        Column.Text("Status", "The status of the node", Status),
        Column.Text("Roles", "The roles of the node", Roles),
        Column.Age,
        Column.Text("Version", "Kubelet Version reported by the node.", obj => Info(obj, "kubeletVersion")),
        Column.Wide("Internal-IP", "Address of the node inside the cluster", obj => Address(obj, "InternalIP")),
        Column.Wide("External-IP", "Address of the node outside the cluster", obj => Address(obj, "ExternalIP")),
        Column.Wide("OS-Image", "OS Image reported by the node", obj => Info(obj, "osImage") ?? Age.Unknown),
        Column.Wide("Kernel-Version", "Kernel Version reported by the node", obj => Info(obj, "kernelVersion") ?? Age.Unknown),
        Column.Wide("Container-Runtime", "ContainerRuntime Version reported by the node", obj => Info(obj, "containerRuntimeVersion") ?? Age.Unknown),
    ];

    private static string Status(JsonObject node)
    {
        var ready = node.Object("status").Items("conditions").Select(c => c.Item).FirstOrDefault(c => c.Text("type") == "Ready");
        var status = ready is null ? "Unknown" : ready.Text("status") == "True" ? "Ready" : "NotReady";
        return node.Object("spec").Flag("unschedulable") ? status + ",SchedulingDisabled" : status;
    }

    private static string Roles(JsonObject node)
    {
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in node.ObjectAt("metadata", "labels") ?? [])
        {
            if (key.StartsWith(RolePrefix, StringComparison.Ordinal) && key.Length > RolePrefix.Length)
                roles.Add(key[RolePrefix.Length..]);
            else if (key == "kubernetes.io/role" && value.AsText() is { Length: > 0 } role)
                roles.Add(role);
        }
        return roles.Count == 0 ? Column.None : string.Join(",", roles);
    }

    private static string? Info(JsonObject node, string field) =>
        node.ObjectAt("status", "nodeInfo").Text(field) is { Length: > 0 } text ? text : null;

    private static string Address(JsonObject node, string type) =>
        node.Object("status").Items("addresses").Where(a => a.Item.Text("type") == type).Select(a => a.Item.Text("address")).FirstOrDefault() ?? Column.None;
}
