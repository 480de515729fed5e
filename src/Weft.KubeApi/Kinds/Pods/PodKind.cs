namespace Weft.KubeApi.Kinds.Pods;

/// <summary>core/v1 Pod.</summary>
internal static class PodKind
{
    public static ResourceDefinition Definition => new()
    {
        Group = "", Version = "v1", Kind = "Pod", Plural = "pods", Singular = "pod", ShortNames = ["po"], Categories = ["all"],
        Namespaced = true, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Pod"), Schema = BuiltIn.Schema("core.v1.Pod"),
        Default = BuiltIn.Defaults("core.v1.Pod", PodDefaults.Pod),
        PrepareForCreate = PodLifecycle.PrepareForCreate,
        PrepareForUpdate = PodLifecycle.PrepareForUpdate,
        Admit = PodLifecycle.AdmitAsync,
        Validate = BuiltIn.Validation("core.v1.Pod", PodRules.Validate),
        SelectableFields =
        [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.nominatedNodeName",
        ],
        TableColumns = PodColumns.All,
        DefaultGracePeriodSeconds = PodLifecycle.GraceSeconds,
    };
}
