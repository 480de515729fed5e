using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Tests.Kinds;

public class SchemaLibraryTests
{
    [Fact]
    public void EveryDefinitionParsesAndEveryReferenceResolves()
    {
        var library = SchemaLibrary.BuiltIn;
        Assert.Equal(library.Names.Order(StringComparer.Ordinal), library.Closure(library.Names));
        foreach (var name in library.Names)
        {
            foreach (var property in library.Get(name).Properties.Values)
                Assert.NotNull(property.Raw);
        }
    }

    [Theory]
    [InlineData("io.k8s.api.core.v1.PodSpec", "containers", "map", "name", "name")]
    [InlineData("io.k8s.api.core.v1.Container", "ports", "map", "containerPort,protocol", "containerPort")]
    [InlineData("io.k8s.api.core.v1.ServiceSpec", "ports", "map", "port,protocol", "port")]
    [InlineData("io.k8s.api.core.v1.Container", "volumeMounts", "map", "mountPath", "mountPath")]
    [InlineData("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "ownerReferences", "map", "uid", "uid")]
    [InlineData("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers", "set", "", null)]
    [InlineData("io.k8s.api.core.v1.PodSpec", "tolerations", "atomic", "", null)]
    public void ListsSayHowTheyMerge(string type, string field, string listType, string keys, string? mergeKey)
    {
        var list = SchemaLibrary.BuiltIn.Get(type).Property(field)!;
        Assert.Equal(listType, list.ListType);
        Assert.Equal(keys, string.Join(",", list.ListMapKeys));
        Assert.Equal(mergeKey, list.PatchMergeKey);
    }

    [Fact]
    public void VolumesMergeButAVolumeKeepsOnlyThePatchedSource() =>
        Assert.True(SchemaLibrary.BuiltIn.Get("io.k8s.api.core.v1.PodSpec").Property("volumes") is { PatchMerge: true, PatchRetainKeys: true });

    [Fact]
    public void RegistersEveryKindOfTheIssueWithItsDescription()
    {
        var registry = new ResourceRegistry();
        BuiltInKinds.Register(registry);
        foreach (var kind in (string[])
            [
                "v1/Namespace", "v1/Node", "v1/Pod", "v1/Service", "v1/Endpoints", "v1/ConfigMap", "v1/Secret", "v1/ServiceAccount", "v1/Event",
                "events.k8s.io/v1/Event", "coordination.k8s.io/v1/Lease", "discovery.k8s.io/v1/EndpointSlice", "apps/v1/Deployment", "apps/v1/ReplicaSet",
                "apps/v1/DaemonSet", "apps/v1/StatefulSet", "apps/v1/ControllerRevision", "batch/v1/Job", "networking.k8s.io/v1/NetworkPolicy",
                "networking.k8s.io/v1/ServiceCIDR", "networking.k8s.io/v1beta1/ServiceCIDR", "networking.k8s.io/v1/IPAddress",
                "networking.k8s.io/v1beta1/IPAddress", "apiextensions.k8s.io/v1/CustomResourceDefinition",
            ])
        {
            var at = kind.LastIndexOf('/');
            Assert.True(registry.TryGetKind(kind[..at], kind[(at + 1)..], out var definition), kind);
            Assert.NotEmpty(definition.Schema.Text("description")!);
            Assert.True(registry.Components.ContainsKey(definition.SchemaName!), definition.SchemaName);
            Assert.NotEmpty(definition.TableColumns);
        }
    }

    [Fact]
    public void DefaultsReachThroughReferencesAndLeaveWhatIsSet()
    {
        var pod = JsonNode.Parse("""{"spec":{"restartPolicy":"Never","containers":[{"name":"a","ports":[{"containerPort":80}]}]}}""")!.AsObject();
        SchemaDefaults.Apply(pod, SchemaLibrary.BuiltIn.Get("io.k8s.api.core.v1.Pod"), emptyIsAbsent: true);
        Assert.Equal("Never", (string?)pod["spec"]!["restartPolicy"]);
        Assert.Equal("ClusterFirst", (string?)pod["spec"]!["dnsPolicy"]);
        Assert.Equal("TCP", (string?)pod["spec"]!["containers"]![0]!["ports"]![0]!["protocol"]);
    }
}
