using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>Services and the objects that list their endpoints.</summary>
internal static class ServiceKinds
{
    public static ResourceDefinition[] All(ServiceAdmission admission) => [Service(admission), Endpoints, EndpointSlice];

    private static ResourceDefinition Service(ServiceAdmission admission) => new()
    {
        Group = "", Version = "v1", Kind = "Service", Plural = "services", Singular = "service", ShortNames = ["svc"], Categories = ["all"],
        Namespaced = true, HasStatus = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Service"), Schema = BuiltIn.Schema("core.v1.Service"),
        ValidateName = Names.Dns1035Label,
        Default = BuiltIn.Defaults("core.v1.Service", ServiceDefaults.Service),
        PrepareForCreate = ServiceUpdates.PrepareForCreate, PrepareForUpdate = ServiceUpdates.PrepareForUpdate,
        Admit = admission.AdmitAsync, Committed = admission.CommittedAsync,
        Validate = BuiltIn.Validation("core.v1.Service", ServiceRules.Validate),
        SelectableFields = ["spec.clusterIP", "spec.type"],
        TableColumns = ServiceColumns.Service,
    };

    private static ResourceDefinition Endpoints => new()
    {
        Group = "", Version = "v1", Kind = "Endpoints", Plural = "endpoints", Singular = "endpoints", ShortNames = ["ep"],
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Endpoints"), Schema = BuiltIn.Schema("core.v1.Endpoints"),
        Default = BuiltIn.Defaults("core.v1.Endpoints"),
        Validate = BuiltIn.Validation("core.v1.Endpoints", EndpointRules.Endpoints),
        TableColumns = ServiceColumns.Endpoints,
    };

    private static ResourceDefinition EndpointSlice => new()
    {
        Group = "discovery.k8s.io", Version = "v1", Kind = "EndpointSlice", Plural = "endpointslices", Singular = "endpointslice",
        Namespaced = true,
        SchemaName = BuiltIn.SchemaName("discovery.v1.EndpointSlice"), Schema = BuiltIn.Schema("discovery.v1.EndpointSlice"),
        Default = ServiceDefaults.EndpointSlice,
        Validate = BuiltIn.Validation("discovery.v1.EndpointSlice", EndpointRules.EndpointSlice),
        TableColumns = ServiceColumns.EndpointSlice,
    };
}
