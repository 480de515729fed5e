using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Workloads;

/// <summary>The kinds that make pods from a template: apps/v1 and batch/v1.</summary>
internal static class WorkloadKinds
{
    private static readonly string[] Everything = ["all"];
    private static readonly ScalePaths Scale = new("spec.replicas", "status.replicas", "spec.selector");

    public static ResourceDefinition[] All => [Deployment, ReplicaSet, DaemonSet, StatefulSet, ControllerRevision, Job];

    private static ResourceDefinition Deployment => new()
    {
        Group = "apps", Version = "v1", Kind = "Deployment", Plural = "deployments", Singular = "deployment", ShortNames = ["deploy"],
        Categories = Everything, Namespaced = true, HasStatus = true, Scale = Scale,
        SchemaName = BuiltIn.SchemaName("apps.v1.Deployment"), Schema = BuiltIn.Schema("apps.v1.Deployment"),
        Default = BuiltIn.Defaults("apps.v1.Deployment", WorkloadDefaults.Deployment),
        Validate = BuiltIn.Validation("apps.v1.Deployment", WorkloadRules.Deployment),
        TableColumns =
        [
            Column.Name,
            Column.Text("Ready", "Number of the pod with ready state", obj => $"{Status(obj, "readyReplicas")}/{Spec(obj, "replicas")}"),
            Column.Number("Up-to-date", "Replicas that have the desired template.", obj => Status(obj, "updatedReplicas")),
            Column.Number("Available", "Replicas ready for at least minReadySeconds.", obj => Status(obj, "availableReplicas")),
            Column.Age, Column.Containers, Column.Images, Column.Selector,
        ],
    };

    private static ResourceDefinition ReplicaSet => new()
    {
        Group = "apps", Version = "v1", Kind = "ReplicaSet", Plural = "replicasets", Singular = "replicaset", ShortNames = ["rs"],
        Categories = Everything, Namespaced = true, HasStatus = true, Scale = Scale,
        SchemaName = BuiltIn.SchemaName("apps.v1.ReplicaSet"), Schema = BuiltIn.Schema("apps.v1.ReplicaSet"),
        Default = BuiltIn.Defaults("apps.v1.ReplicaSet", WorkloadDefaults.ReplicaSet),
        Validate = BuiltIn.Validation("apps.v1.ReplicaSet", WorkloadRules.ReplicaSet),
        SelectableFields = ["status.replicas"],
        TableColumns =
        [
            Column.Name,
            Column.Number("Desired", "The number of desired replicas.", obj => Spec(obj, "replicas")),
            Column.Number("Current", "The most recently observed number of replicas.", obj => Status(obj, "replicas")),
            Column.Number("Ready", "The number of pods targeted by this ReplicaSet with a Ready Condition.", obj => Status(obj, "readyReplicas")),
            Column.Age, Column.Containers, Column.Images, Column.Selector,
        ],
    };

    private static ResourceDefinition DaemonSet => new()
    {
        Group = "apps", Version = "v1", Kind = "DaemonSet", Plural = "daemonsets", Singular = "daemonset", ShortNames = ["ds"],
        Categories = Everything, Namespaced = true, HasStatus = true,
        SchemaName = BuiltIn.SchemaName("apps.v1.DaemonSet"), Schema = BuiltIn.Schema("apps.v1.DaemonSet"),
        Default = BuiltIn.Defaults("apps.v1.DaemonSet", WorkloadDefaults.DaemonSet),
        Validate = BuiltIn.Validation("apps.v1.DaemonSet", WorkloadRules.DaemonSet),
        TableColumns =
        [
            Column.Name,
            Column.Number("Desired", "Nodes that should be running the daemon pod.", obj => Status(obj, "desiredNumberScheduled")),
            Column.Number("Current", "Nodes that run at least 1 daemon pod and are supposed to.", obj => Status(obj, "currentNumberScheduled")),
            Column.Number("Ready", "Nodes that should run the daemon pod and have one ready.", obj => Status(obj, "numberReady")),
            Column.Number("Up-to-date", "Nodes that run the updated daemon pod.", obj => Status(obj, "updatedNumberScheduled")),
            Column.Number("Available", "Nodes that should run the daemon pod and have one available.", obj => Status(obj, "numberAvailable")),
            Column.Text("Node Selector", "Labels that a node must have.", obj => Column.Labels(obj.ObjectAt("spec", "template", "spec", "nodeSelector"))),
            Column.Age, Column.Containers, Column.Images, Column.Selector,
        ],
    };

    private static ResourceDefinition StatefulSet => new()
    {
        Group = "apps", Version = "v1", Kind = "StatefulSet", Plural = "statefulsets", Singular = "statefulset", ShortNames = ["sts"],
        Categories = Everything, Namespaced = true, HasStatus = true, Scale = Scale,
        SchemaName = BuiltIn.SchemaName("apps.v1.StatefulSet"), Schema = BuiltIn.Schema("apps.v1.StatefulSet"),
        Default = BuiltIn.Defaults("apps.v1.StatefulSet", WorkloadDefaults.StatefulSet),
        Validate = BuiltIn.Validation("apps.v1.StatefulSet", WorkloadRules.StatefulSet),
        TableColumns =
        [
            Column.Name,
            Column.Text("Ready", "Number of the pod with ready state", obj => $"{Status(obj, "readyReplicas")}/{Spec(obj, "replicas")}"),
            Column.Age, Column.Containers, Column.Images,
        ],
    };

    private static ResourceDefinition ControllerRevision => new()
    {
        Group = "apps", Version = "v1", Kind = "ControllerRevision", Plural = "controllerrevisions", Singular = "controllerrevision",
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("apps.v1.ControllerRevision"), Schema = BuiltIn.Schema("apps.v1.ControllerRevision"),
        Validate = BuiltIn.Validation("apps.v1.ControllerRevision", WorkloadRules.ControllerRevision),
        TableColumns =
        [
            Column.Name,
            Column.Text("Controller", "Controller of the object", Controller),
            new TableColumn("Revision", "string", "", 0, "The revision of the state represented by Data.", static (obj, _) => obj.Integer("revision") ?? 0),
            Column.Age,
        ],
    };

    private static ResourceDefinition Job => new()
    {
        Group = "batch", Version = "v1", Kind = "Job", Plural = "jobs", Singular = "job",
        Categories = Everything, Namespaced = true, HasStatus = true,
        SchemaName = BuiltIn.SchemaName("batch.v1.Job"), Schema = BuiltIn.Schema("batch.v1.Job"),
        Default = BuiltIn.Defaults("batch.v1.Job", WorkloadDefaults.Job),
        PrepareForCreate = JobRules.PrepareForCreate,
        Validate = BuiltIn.Validation("batch.v1.Job", JobRules.Validate),
        SelectableFields = ["status.successful"],
        TableColumns =
        [
            Column.Name,
            Column.Text("Status", "Status of the job.", JobColumns.Status),
            Column.Text("Completions", "Pods that succeeded, of those wanted.", JobColumns.Completions),
            Column.At("Duration", "Time required to complete the job.", JobColumns.Duration),
            Column.Age, Column.Containers, Column.Images, Column.Selector,
        ],
    };

    private static long Spec(JsonObject obj, string field) => obj.Object("spec").Integer(field) ?? 0;

    private static long Status(JsonObject obj, string field) => obj.Object("status").Integer(field) ?? 0;

    private static string Controller(JsonObject obj)
    {
        var owner = obj.Object("metadata").Items("ownerReferences").Select(o => o.Item).FirstOrDefault(o => o.Flag("controller"));
        if (owner is null)
            return Column.None;
        var group = owner.Text("apiVersion") is { } version && version.Contains('/') ? "." + version[..version.IndexOf('/')] : "";
        return $"{owner.Text("kind")?.ToLowerInvariant()}{group}/{owner.Text("name")}";
    }
}
