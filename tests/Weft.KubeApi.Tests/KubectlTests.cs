using Weft.KubeApi.Client;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests;

/// <summary>The real kubectl against a server of its own.</summary>
public sealed class KubectlTests
{
    private const string Manifest = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          containers:
          - {name: main, image: one, command: [sleep, "1"], ports: [{containerPort: 80}]}
        """;

    [SkippableFact]
    public async Task Objects_are_made_by_the_commands_that_send_protobuf()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        await server.Client.CreateAsync("servicecidrs.networking.k8s.io", "", Objects.Parse(
            """{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.96.0.0/16"]}}"""));
        Assert.Equal("namespace/team created\n", await kubectl.RunAsync("create", "namespace", "team"));
        Assert.Equal("configmap/settings created\n", await kubectl.RunAsync("create", "configmap", "settings", "--from-literal=a=1", "-n", "team"));
        Assert.Equal("secret/hidden created\n", await kubectl.RunAsync("create", "secret", "generic", "hidden", "--from-literal=a=word", "-n", "team"));
        Assert.Equal("deployment.apps/web created\n",
            await kubectl.RunAsync("create", "deployment", "web", "--image=none", "--replicas=0", "--port=80", "-n", "team"));
        Assert.Equal("service/web created\n", await kubectl.RunAsync("create", "service", "clusterip", "web", "--tcp=80:http", "-n", "team"));
        Assert.Equal("1", await kubectl.RunAsync("get", "configmap", "settings", "-n", "team", "-o", "jsonpath={.data.a}"));
        Assert.Equal("d29yZA==", await kubectl.RunAsync("get", "secret", "hidden", "-n", "team", "-o", "jsonpath={.data.a}"));
        Assert.Equal("0 none 80", await kubectl.RunAsync("get", "deployment", "web", "-n", "team", "-o",
            "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].ports[0].containerPort}"));
        Assert.Equal("http", await kubectl.RunAsync("get", "service", "web", "-n", "team", "-o", "jsonpath={.spec.ports[0].targetPort}"));
        Assert.Equal("yes\n", await kubectl.RunAsync("auth", "can-i", "delete", "nodes"));
        Assert.Contains("kubernetes-admin", await kubectl.RunAsync("auth", "whoami"));
        Assert.Equal("deployment.apps/web scaled\n", await kubectl.RunAsync("scale", "deployment", "web", "--replicas=3", "-n", "team"));
        Assert.Equal(3, (int)(await server.Client.GetAsync("deployments.apps", "team", "web"))["spec"]!["replicas"]!);
    }

    [SkippableFact]
    public async Task Manifests_are_applied_changed_and_deleted()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        Assert.Equal("pod/web created\n", await kubectl.RunWithInputAsync(Manifest, "apply", "-f", "-"));
        Assert.Equal("pod/web unchanged\n", await kubectl.RunWithInputAsync(Manifest, "apply", "-f", "-"));
        Assert.Equal("pod/web configured\n", await kubectl.RunWithInputAsync(Manifest.Replace("image: one", "image: two"), "apply", "-f", "-"));
        Assert.Equal("two", await kubectl.RunAsync("get", "pod", "web", "-o", "jsonpath={.spec.containers[0].image}"));
        Assert.Equal("pod/web labeled\n", await kubectl.RunAsync("label", "pod", "web", "tier=front"));
        Assert.Contains("web", await kubectl.RunAsync("get", "pods", "-l", "tier=front", "--no-headers"));
        Assert.Equal("pod/web annotated\n", await kubectl.RunAsync("annotate", "pod", "web", "note=x"));
        Assert.Equal("pod/web patched\n", await kubectl.RunAsync("patch", "pod", "web", "--type=json",
            "-p", """[{"op":"remove","path":"/metadata/annotations/note"}]"""));
        Assert.Contains("Name:", await kubectl.RunAsync("describe", "pod", "web"));
        Assert.Equal("pod \"web\" deleted\n", await kubectl.RunAsync("delete", "pod", "web"));
        var (code, _, error) = await kubectl.TryAsync(null, "get", "pod", "web");
        Assert.Equal((1, "Error from server (NotFound): pods \"web\" not found\n"), (code, error));
    }

    [SkippableFact]
    public async Task A_manifest_with_an_unknown_field_is_refused_by_its_name()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var (code, _, error) = await new Kubectl(server).TryAsync(Manifest.Replace("image: one", "imag: one"), "apply", "-f", "-");
        Assert.Equal(1, code);
        Assert.Contains("unknown field \"spec.containers[0].imag\"", error);
    }

    [SkippableFact]
    public async Task Server_side_apply_tells_of_conflicts_and_can_be_forced()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        Assert.Equal("pod/web serverside-applied\n", await kubectl.RunWithInputAsync(Manifest, "apply", "--server-side", "--field-manager=one", "-f", "-"));
        var other = Manifest.Replace("image: one", "image: two");
        var (code, _, error) = await kubectl.TryAsync(other, "apply", "--server-side", "--field-manager=two", "-f", "-");
        Assert.Equal(1, code);
        Assert.Contains("conflict with \"one\": .spec.containers[name=\"main\"].image", error);
        await kubectl.RunWithInputAsync(other, "apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-");
        Assert.Equal("two", await kubectl.RunAsync("get", "pod", "web", "-o", "jsonpath={.spec.containers[0].image}"));
    }

    [SkippableFact]
    public async Task Lists_come_in_chunks_and_kinds_explain_themselves()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        for (var i = 0; i < 25; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"map{i:d2}"));
        var lines = await kubectl.RunAsync("get", "configmaps", "--chunk-size=10", "--no-headers");
        Assert.Equal(25, lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(l => l.StartsWith("map", StringComparison.Ordinal)));
        Assert.Contains("deploy", await kubectl.RunAsync("api-resources", "--api-group=apps"));
        Assert.Contains("containerPort", await kubectl.RunAsync("explain", "pod.spec.containers.ports"));
        Assert.Contains("Server Version: v1.32", await kubectl.RunAsync("version"));
        await kubectl.RunAsync("delete", "configmaps", "--all");
        Assert.Equal("", await kubectl.RunAsync("get", "configmaps", "-o", "name"));
    }

    [SkippableFact]
    public async Task Wait_and_watch_see_what_happens()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        await using var server = await TestServer.StartAsync();
        var kubectl = new Kubectl(server);
        await server.Client.CreateAsync("pods", "default", Objects.Pod("web", node: "n1"));
        using var watch = kubectl.Start("get", "pods", "--watch", "-o", "name");
        try
        {
            Assert.Equal("pod/web", await watch.StandardOutput.ReadLineAsync());
            var wait = kubectl.RunAsync("wait", "pod/web", "--for=condition=Ready", "--timeout=30s");
            await server.Client.PatchAsync("pods", "default", "web", PatchKind.Merge,
                Objects.Parse("""{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"""), "status");
            Assert.Equal("pod/web condition met\n", await wait);
            Assert.Equal("pod/web", await watch.StandardOutput.ReadLineAsync());
        }
        finally
        {
            watch.Kill();
        }
        var delete = kubectl.RunAsync("delete", "pod", "web", "--grace-period=5");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await server.Client.GetAsync("pods", "default", "web"))["metadata"]!["deletionTimestamp"] is null)
            await Task.Delay(20, patience.Token);
        await server.Client.DeleteAsync("pods", "default", "web", gracePeriodSeconds: 0);
        Assert.Equal("pod \"web\" deleted\n", await delete);
    }

    [SkippableFact]
    public async Task A_custom_resource_is_served_as_soon_as_it_is_defined_and_again_after_a_restart()
    {
        Skip.IfNot(Kubectl.Installed, "kubectl is not installed");
        var directory = Directory.CreateTempSubdirectory("weft-kubeapi-test").FullName;
        await using (var server = await TestServer.StartAsync(directory: directory))
        {
            var kubectl = new Kubectl(server);
            await kubectl.RunWithInputAsync("""
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: widgets.example.com}
                spec:
                  group: example.com
                  scope: Namespaced
                  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    schema:
                      openAPIV3Schema:
                        type: object
                        properties:
                          spec:
                            type: object
                            required: [size]
                            properties:
                              size: {type: integer, minimum: 1}
                              color: {type: string, default: red}
                """, "apply", "-f", "-");
            await kubectl.RunAsync("wait", "crd/widgets.example.com", "--for=condition=Established", "--timeout=30s");
            const string widget = """
                apiVersion: example.com/v1
                kind: Widget
                metadata: {name: a}
                spec: {size: 3}
                """;
            Assert.Equal("widget.example.com/a created\n", await kubectl.RunWithInputAsync(widget, "apply", "-f", "-"));
            Assert.Equal("red", await kubectl.RunAsync("get", "wd", "a", "-o", "jsonpath={.spec.color}"));
            var (code, _, error) = await kubectl.TryAsync(widget.Replace("size: 3", "size: 0").Replace("name: a", "name: b"), "apply", "-f", "-");
            Assert.Equal(1, code);
            Assert.Contains("spec.size", error);
        }
        await using (var server = await TestServer.StartAsync(directory: directory))
            Assert.Equal("3", await new Kubectl(server).RunAsync("get", "widgets", "a", "-o", "jsonpath={.spec.size}"));
        Directory.Delete(directory, true);
    }
}
