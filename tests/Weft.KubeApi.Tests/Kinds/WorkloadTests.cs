using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Tests.Kinds;

public class WorkloadTests
{
    private const string Template = """{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";
    private const string Selector = """{"matchLabels":{"a":"b"}}""";
    private readonly KindFixture _kinds = new();

    private static string Spec(string more = "", string selector = Selector, string template = Template) =>
        $$$"""{"spec":{"selector":{{{selector}}},"template":{{{template}}}{{{(more.Length > 0 ? "," + more : "")}}}}}""";

    [Theory]
    [InlineData("deployments.apps", """{"replicas":1,"revisionHistoryLimit":10,"progressDeadlineSeconds":600,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}}}""")]
    [InlineData("replicasets.apps", """{"replicas":1}""")]
    [InlineData("daemonsets.apps", """{"revisionHistoryLimit":10,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}}""")]
    [InlineData("statefulsets.apps", """{"replicas":1,"revisionHistoryLimit":10,"podManagementPolicy":"OrderedReady","updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0}},"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain","whenScaled":"Retain"}}""")]
    public void Defaults(string resource, string expected)
    {
        var spec = _kinds.Create(resource, Spec()).Object("spec")!;
        Assert.Equal("Always", spec.ObjectAt("template", "spec").Text("restartPolicy"));
        spec.Remove("selector");
        spec.Remove("template");
        Assert.True(JsonNode.DeepEquals(KindFixture.Parse(expected), spec), spec.ToJsonString());
        Assert.Empty(_kinds.CreateErrors(resource, Spec()));
    }

    [Theory]
    [InlineData("deployments.apps", """{"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", "spec.selector: Required value")]
    [InlineData("deployments.apps", """{"spec":{"selector":{},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}""",
        "spec.selector: Invalid value: {}: empty selector is invalid for deployment")]
    [InlineData("deployments.apps", """{"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"c"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""",
        "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`")]
    [InlineData("replicasets.apps", """{"spec":{"selector":{"matchLabels":{"a":"b"}}}}""", "spec.template: Required value")]
    [InlineData("jobs.batch", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}""",
        "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"")]
    public void Refuses(string resource, string json, string error) => Assert.Equal([error], _kinds.CreateErrors(resource, json));

    [Theory]
    [InlineData("deployments.apps", "\"replicas\":-1", "spec.replicas: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("deployments.apps", "\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":{}}",
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'")]
    [InlineData("deployments.apps", "\"strategy\":{\"rollingUpdate\":{\"maxUnavailable\":0,\"maxSurge\":\"0%\"}}",
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0")]
    [InlineData("deployments.apps", "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":\"many\"}}",
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": must be an integer or percentage (e.g '5%')")]
    [InlineData("daemonsets.apps", "\"updateStrategy\":{\"rollingUpdate\":{\"maxUnavailable\":1,\"maxSurge\":1}}",
        "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when `maxUnavailable` is non-zero")]
    [InlineData("statefulsets.apps", "\"podManagementPolicy\":\"Random\"",
        "spec.podManagementPolicy: Unsupported value: \"Random\": supported values: \"OrderedReady\", \"Parallel\"")]
    public void RefusesInSpec(string resource, string more, string error) => Assert.Equal([error], _kinds.CreateErrors(resource, Spec(more)));

    [Theory]
    [InlineData("deployments.apps")]
    [InlineData("replicasets.apps")]
    [InlineData("daemonsets.apps")]
    public void SelectorsStay(string resource)
    {
        var old = _kinds.Create(resource, Spec());
        var errors = _kinds.UpdateErrors(resource, old, """{"spec":{"selector":{"matchLabels":{"z":"y"}},"template":{"metadata":{"labels":{"z":"y"}}}}}""");
        Assert.Equal(["spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"z\":\"y\"}}: field is immutable"], errors);
    }

    [Theory]
    [InlineData("""{"spec":{"replicas":3}}""", true)]
    [InlineData("""{"spec":{"serviceName":"other"}}""", false)]
    [InlineData("""{"spec":{"podManagementPolicy":"Parallel"}}""", false)]
    public void StatefulSetsKeepTheirIdentity(string patch, bool allowed)
    {
        var errors = _kinds.UpdateErrors("statefulsets.apps", _kinds.Create("statefulsets.apps", Spec()), patch);
        Assert.Equal(allowed, errors.Length == 0);
        Assert.All(errors, e => Assert.StartsWith("spec: Forbidden: updates to statefulset spec", e, StringComparison.Ordinal));
    }

    [Fact]
    public void AJobSelectsItsPodsByItsUid()
    {
        var job = _kinds.Create("jobs.batch", """{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""");
        var uid = job.Object("metadata").Text("uid");
        Assert.Equal(uid, job.ObjectAt("spec", "selector", "matchLabels").Text("batch.kubernetes.io/controller-uid"));
        Assert.Equal("j", job.ObjectAt("spec", "template", "metadata", "labels").Text("job-name"));
        Assert.Equal((1L, 1L, 6L), (job["spec"].Integer("completions"), job["spec"].Integer("parallelism"), job["spec"].Integer("backoffLimit")));
        Assert.Empty(_kinds.Definition("jobs.batch").Validate!(job, null));
        Assert.Equal(["spec.completions: Invalid value: 2: field is immutable"], _kinds.UpdateErrors("jobs.batch", job, """{"spec":{"completions":2}}"""));
    }

    [Fact]
    public void Tables()
    {
        var deployment = _kinds.Row("deployments.apps",
            """{"metadata":{"name":"d","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"x","image":"i"},{"name":"y","image":"j"}]}}},"status":{"readyReplicas":2,"updatedReplicas":1}}""");
        Assert.Equal(["d", "2/3", "1", "0", "60m", "x,y", "i,j", "a=b"], deployment.Values);
        var job = _kinds.Row("jobs.batch",
            """{"metadata":{"name":"j"},"spec":{"completions":5},"status":{"succeeded":2,"startTime":"2026-01-01T00:58:00Z"}}""");
        Assert.Equal(("2/5", "2m", "Running"), (job["Completions"], job["Duration"], job["Status"]));
    }
}
