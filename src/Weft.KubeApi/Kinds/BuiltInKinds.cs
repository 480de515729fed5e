using Weft.KubeApi.Kinds.Core;
using Weft.KubeApi.Kinds.CustomResources;
using Weft.KubeApi.Kinds.Networking;
using Weft.KubeApi.Kinds.Pods;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Kinds.Services;
using Weft.KubeApi.Kinds.Workloads;

namespace Weft.KubeApi.Kinds;

/// <summary>The kinds that every server starts with.</summary>
public static class BuiltInKinds
{
    /// <summary>Adds every built-in kind to a registry. CRDs register what they define in the same one.</summary>
    public static void Register(ResourceRegistry registry)
    {
        var services = new ServiceAdmission(Random.Shared);
        ResourceDefinition[] kinds =
        [
            .. CoreKinds.All,
            PodKind.Definition,
            .. ServiceKinds.All(services),
            .. WorkloadKinds.All,
            .. NetworkingKinds.All(services),
            CustomResourceDefinitionKind.Definition(registry),
        ];
        foreach (var kind in kinds)
            registry.Add(kind);
        var roots = kinds.Select(k => k.SchemaName!).Concat(ServerComponents);
        foreach (var name in SchemaLibrary.BuiltIn.Closure(roots))
            registry.AddComponent(name, SchemaLibrary.BuiltIn.Node(name));
    }

    /// <summary>Types that no kind's object refers to but the protocol itself does.</summary>
    private static readonly string[] ServerComponents =
    [
        "io.k8s.api.autoscaling.v1.Scale",
        "io.k8s.api.core.v1.Binding",
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
        "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
        "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    ];
}
