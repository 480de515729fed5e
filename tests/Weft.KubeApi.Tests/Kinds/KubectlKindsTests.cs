using Weft.KubeApi.Tests.Support;

namespace Weft.KubeApi.Tests.Kinds;

/// <summary>The kinds as kubectl sees them.</summary>
public class KubectlKindsTests
{
    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: c, image: "sample:1", ports: [{containerPort: 80}]}]}
        """;

    [SkippableFact]
    public async Task ExplainsRefusesScalesAndPrints()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);

        Assert.Contains("except", await kubectl.RunAsync("explain", "networkpolicy.spec.ingress.from.ipBlock"));
        var resources = await kubectl.RunAsync("api-resources", "-o", "name");
        Assert.Contains("endpointslices.discovery.k8s.io", resources);
        Assert.Contains("ipaddresses.networking.k8s.io", resources);

        var (code, _, error) = await kubectl.TryAsync("""
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: bad}
            spec: {podSelector: {}, ingress: [{fromm: []}]}
            """, "create", "-f", "-");
        Assert.Equal(1, code);
        Assert.Contains("unknown field \"spec.ingress[0].fromm\"", error);
        (_, _, error) = await kubectl.TryAsync("""
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: bad}
            spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}
            """, "create", "-f", "-");
        Assert.Contains("spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"10.0.0.0/33\": must be a valid CIDR value", error);

        await kubectl.RunWithInputAsync(Deployment, "apply", "-f", "-");
        await kubectl.RunAsync("scale", "deployment/web", "--replicas=3");
        Assert.Matches(@"web\s+0/3\s+0\s+0\s+\S+\s+c\s+sample:1\s+app=web", await kubectl.RunAsync("get", "deployment", "web", "-o", "wide"));
    }

    /// <summary>These go through typed clients, which send protobuf.</summary>
    [SkippableFact]
    public async Task CreatesThroughTypedClients()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        await kubectl.RunWithInputAsync("""
            apiVersion: networking.k8s.io/v1beta1
            kind: ServiceCIDR
            metadata: {name: kubernetes}
            spec: {cidrs: [10.96.0.0/16]}
            """, "create", "-f", "-");
        await kubectl.RunAsync("create", "namespace", "dev");
        await kubectl.RunAsync("create", "deployment", "web", "--image=sample", "--replicas=2", "--port=8080", "-n", "dev");
        await kubectl.RunAsync("create", "service", "nodeport", "web", "--tcp=80:8080", "--node-port=30080", "-n", "dev");
        await kubectl.RunAsync("create", "secret", "generic", "s", "--from-literal=a=b", "-n", "dev");
        await kubectl.RunAsync("create", "job", "j", "--image=sample", "-n", "dev", "--", "/bin/true");
        Assert.Equal("2 8080 TCP", await kubectl.RunAsync("get", "deployment", "web", "-n", "dev",
            "-o", "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort} {.spec.template.spec.containers[0].ports[0].protocol}"));
        Assert.Equal("Yg==", await kubectl.RunAsync("get", "secret", "s", "-n", "dev", "-o", "jsonpath={.data.a}"));
        Assert.Matches(@"web\s+NodePort\s+10\.96\.\d+\.\d+\s+<none>\s+80:30080/TCP", await kubectl.RunAsync("get", "service", "web", "-n", "dev"));
        var (_, _, error) = await kubectl.TryAsync(null, "create", "service", "nodeport", "again", "--tcp=80", "--node-port=30080");
        Assert.Contains("spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated", error);
    }

    [SkippableFact]
    public async Task CustomResourcesHaveColumnsDefaultsValidationAndScale()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        await kubectl.RunWithInputAsync("""
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: widgets.example.com}
            spec:
              group: example.com
              scope: Namespaced
              names: {plural: widgets, kind: Widget, shortNames: [wd]}
              versions:
              - name: v1
                served: true
                storage: true
                subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
                selectableFields: [{jsonPath: .spec.color}]
                additionalPrinterColumns: [{name: Color, type: string, jsonPath: .spec.color}, {name: Size, type: integer, jsonPath: .spec.size}]
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec:
                        type: object
                        required: [color]
                        properties:
                          color: {type: string, enum: [red, green]}
                          size: {type: integer, minimum: 1, default: 3}
                          replicas: {type: integer}
                      status: {type: object, properties: {replicas: {type: integer}}}
            """, "apply", "-f", "-");
        await kubectl.RunAsync("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=20s");
        await kubectl.RunWithInputAsync("""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"color":"red"}}""", "apply", "-f", "-");
        Assert.Matches(@"NAME\s+COLOR\s+SIZE\s+w\s+red\s+3", await kubectl.RunAsync("get", "wd"));
        Assert.Empty(await kubectl.RunAsync("get", "wd", "--field-selector", "spec.color=green", "-o", "name"));
        await kubectl.RunAsync("scale", "wd/w", "--replicas=4");
        Assert.Equal("4", await kubectl.RunAsync("get", "wd", "w", "-o", "jsonpath={.spec.replicas}"));
        var (_, _, error) = await kubectl.TryAsync(
            """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"bad"},"spec":{"color":"blue","size":0}}""", "create", "-f", "-");
        Assert.Contains("spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\"", error);
        Assert.Contains("spec.size in body should be greater than or equal to 1", error);
        await kubectl.RunAsync("delete", "crd", "widgets.example.com", "--timeout=20s");
        (_, _, error) = await kubectl.TryAsync(null, "get", "widgets.example.com");
        Assert.NotEmpty(error);
    }
}
