using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Tests.Kinds;

public class PodTests
{
    private readonly KindFixture _kinds = new();

    private JsonObject Pod(string spec) => _kinds.Create("pods", $$$"""{"spec":{{{spec}}}}""");

    private string[] Errors(string spec) => _kinds.CreateErrors("pods", $$$"""{"spec":{{{spec}}}}""");

    [Fact]
    public void DefaultsAreThoseOfTheApiServer()
    {
        var pod = Pod("""
            {"containers":[{"name":"a","image":"nginx","ports":[{"containerPort":80}],
              "readinessProbe":{"httpGet":{"port":80}},"resources":{"limits":{"cpu":"1"}}}]}
            """);
        var expected = KindFixture.Parse("""
            {"restartPolicy":"Always","dnsPolicy":"ClusterFirst","terminationGracePeriodSeconds":30,"schedulerName":"default-scheduler",
             "securityContext":{},"enableServiceLinks":true,"serviceAccountName":"default","serviceAccount":"default","priority":0,
             "preemptionPolicy":"PreemptLowerPriority",
             "tolerations":[
               {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},
               {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],
             "containers":[{"name":"a","image":"nginx","imagePullPolicy":"Always","ports":[{"containerPort":80,"protocol":"TCP"}],
               "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",
               "resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}},
               "readinessProbe":{"httpGet":{"port":80,"path":"/","scheme":"HTTP"},
                 "timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}}]}
            """);
        Assert.True(JsonNode.DeepEquals(expected, pod["spec"]), pod["spec"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(KindFixture.Parse("""{"phase":"Pending","qosClass":"Burstable"}"""), pod["status"]), pod["status"]!.ToJsonString());
    }

    [Theory]
    [InlineData("nginx", "Always")]
    [InlineData("nginx:latest", "Always")]
    [InlineData("nginx:1.27", "IfNotPresent")]
    [InlineData("registry:5000/nginx", "Always")]
    [InlineData("nginx@sha256:0123", "IfNotPresent")]
    public void PullPolicyFollowsTheTag(string image, string policy) =>
        Assert.Equal(policy, (string?)Pod($$$"""{"containers":[{"name":"a","image":"{{{image}}}"}]}""")["spec"]!["containers"]![0]!["imagePullPolicy"]);

    [Theory]
    [InlineData("""{}""", "BestEffort")]
    [InlineData("""{"requests":{"cpu":"100m"}}""", "Burstable")]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi"}}""", "Guaranteed")]
    [InlineData("""{"limits":{"cpu":"1000m","memory":"1Gi"},"requests":{"cpu":1,"memory":"1024Mi"}}""", "Guaranteed")]
    public void QosClassFollowsTheResources(string resources, string qos) =>
        Assert.Equal(qos, (string?)Pod($$$"""{"containers":[{"name":"a","image":"i","resources":{{{resources}}}}]}""")["status"]!["qosClass"]);

    [Theory]
    [InlineData("""{}""", "spec.containers: Required value")]
    [InlineData("""{"containers":[{"image":"i"}]}""", "spec.containers[0].name: Required value")]
    [InlineData("""{"containers":[{"name":"a"}]}""", "spec.containers[0].image: Required value")]
    [InlineData("""{"containers":[{"name":"a","image":"i"},{"name":"a","image":"i"}]}""", "spec.containers[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"initContainers":[{"name":"a","image":"i"}]}""", "spec.containers[0].name: Duplicate value: \"a\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i","ports":[{"containerPort":70000}]}]}""",
        "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive")]
    [InlineData("""{"containers":[{"name":"a","image":"i","ports":[{"containerPort":80,"protocol":"tcp"}]}]}""",
        "spec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}""",
        "spec.containers[0].volumeMounts[0].name: Not found: \"v\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"volumes":[{"name":"v"},{"name":"v"}]}""", "spec.volumes[1].name: Duplicate value: \"v\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/"}}]}""",
        "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type")]
    [InlineData("""{"containers":[{"name":"a","image":"i","livenessProbe":{}}]}""", "spec.containers[0].livenessProbe: Required value: must specify a handler type")]
    [InlineData("""{"containers":[{"name":"a","image":"i","livenessProbe":{"tcpSocket":{"port":0}}}]}""",
        "spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("""{"containers":[{"name":"a","image":"i","livenessProbe":{"exec":{"command":["a"]},"successThreshold":2}}]}""",
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1")]
    [InlineData("""{"containers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]}""",
        "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"restartPolicy":"Sometimes"}""",
        "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", \"OnFailure\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"hostAliases":[{"ip":"nope","hostnames":["a"]}]}""",
        "spec.hostAliases[0].ip: Invalid value: \"nope\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"dnsPolicy":"None"}""",
        "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None")]
    public void RefusesBadPods(string spec, string error) => Assert.Equal([error], Errors(spec));

    [Theory]
    [InlineData("""{"spec":{"containers":[{"name":"a","image":"other"}]}}""", true)]
    [InlineData("""{"spec":{"nodeName":"n1"}}""", true)]
    [InlineData("""{"spec":{"activeDeadlineSeconds":5}}""", true)]
    [InlineData("""{"metadata":{"labels":{"a":"b"}}}""", true)]
    [InlineData("""{"spec":{"hostNetwork":true}}""", false)]
    [InlineData("""{"spec":{"tolerations":[]}}""", false)]
    [InlineData("""{"spec":{"containers":[{"name":"a","image":"i","command":["x"]}]}}""", false)]
    public void OnlyAFewFieldsMayChange(string patch, bool allowed)
    {
        var pod = Pod("""{"containers":[{"name":"a","image":"i"}]}""");
        var errors = _kinds.UpdateErrors("pods", pod, patch);
        if (allowed)
            Assert.Empty(errors);
        else
            Assert.StartsWith("spec: Forbidden: pod updates may not change fields other than", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void NodeNameMayNotMove()
    {
        var pod = Pod("""{"nodeName":"n1","containers":[{"name":"a","image":"i"}]}""");
        Assert.Single(_kinds.UpdateErrors("pods", pod, """{"spec":{"nodeName":"n2"}}"""));
    }

    [Theory]
    [InlineData("""{"spec":{},"status":{"phase":"Pending"}}""", 0)]
    [InlineData("""{"spec":{"nodeName":"n","terminationGracePeriodSeconds":7},"status":{"phase":"Running"}}""", 7)]
    [InlineData("""{"spec":{"nodeName":"n","terminationGracePeriodSeconds":7},"status":{"phase":"Succeeded"}}""", 0)]
    public void OnlyARunningPodHasGrace(string pod, int seconds) =>
        Assert.Equal(seconds, _kinds.Definition("pods").DefaultGracePeriodSeconds!(KindFixture.Parse(pod)));

    [Theory]
    [InlineData("""{"spec":{"containers":[{},{}]},"status":{"phase":"Pending"}}""", "0/2", "Pending", "0")]
    [InlineData("""{"spec":{"containers":[{}]},"status":{"phase":"Running","containerStatuses":[{"ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"finishedAt":"2026-01-01T00:55:00Z"}}}]}}""", "1/1", "Running", "2 (5m ago)")]
    [InlineData("""{"spec":{"containers":[{}]},"status":{"phase":"Running","containerStatuses":[{"ready":false,"restartCount":0,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}""", "0/1", "CrashLoopBackOff", "0")]
    [InlineData("""{"spec":{"containers":[{}],"initContainers":[{"name":"i"}]},"status":{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":1,"state":{"running":{}}}]}}""", "0/1", "Init:0/1", "1")]
    [InlineData("""{"spec":{"containers":[{}]},"status":{"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}}""", "0/1", "Completed", "0")]
    [InlineData("""{"spec":{"containers":[{}]},"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}]}}""", "0/1", "ExitCode:3", "0")]
    [InlineData("""{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"containers":[{}]},"status":{"phase":"Running"}}""", "0/1", "Terminating", "0")]
    public void TableTellsWhatIsGoingOn(string pod, string ready, string status, string restarts)
    {
        var row = _kinds.Row("pods", pod);
        Assert.Equal((ready, status, restarts), (row["Ready"], row["Status"], row["Restarts"]));
    }
}
