using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Kinds.Tables;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>CustomResourceDefinition itself (apiextensions.k8s.io/v1).</summary>
internal static class CustomResourceDefinitionKind
{
    private const string Name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";

    public static ResourceDefinition Definition(ResourceRegistry registry)
    {
        var lifecycle = new CustomResourceLifecycle(registry);
        return new ResourceDefinition
        {
            Group = "apiextensions.k8s.io", Version = "v1", Kind = "CustomResourceDefinition", Plural = "customresourcedefinitions",
            Singular = "customresourcedefinition", ShortNames = ["crd", "crds"], Categories = ["api-extensions"],
            Namespaced = false, HasStatus = true,
            SchemaName = Name, Schema = SchemaLibrary.BuiltIn.Node(Name),
            Default = CustomResourceDefinitionRules.Default,
            Admit = lifecycle.AdmitAsync, Committed = lifecycle.CommittedAsync,
            Validate = BuiltIn.Validation(SchemaLibrary.BuiltIn, Name, CustomResourceDefinitionRules.Validate),
            TableColumns =
            [
                Column.Name,
                new TableColumn("Created At", "date", "", 0, "CreationTimestamp is a timestamp representing the server time when this object was created.",
                    static (obj, _) => obj.Object("metadata").Text("creationTimestamp")),
            ],
        };
    }
}
