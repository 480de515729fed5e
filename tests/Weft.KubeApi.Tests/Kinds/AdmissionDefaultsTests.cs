using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Tests.Support;

namespace Weft.KubeApi.Tests.Kinds;

public class AdmissionDefaultsTests
{
    /// <summary>Otherwise the defaults of the second write would look like a change of a field that may not change.</summary>
    [Fact]
    public async Task WhatAHookAddsGetsItsDefaultsInTheSameWrite()
    {
        await using var server = await TestServer.StartAsync(o => o with { Admission = [AddVolume] });
        await server.Client.CreateAsync("pods", "default", Objects.Parse(
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""));
        var labelled = await server.Client.PatchAsync("pods", "default", "p", PatchKind.Merge, Objects.Parse("""{"metadata":{"labels":{"a":"b"}}}"""));
        Assert.Equal(420, labelled["spec"]!["volumes"]![0]!["configMap"].Integer("defaultMode"));
    }

    private static ValueTask AddVolume(AdmissionRequest request, CancellationToken cancel)
    {
        if (request.Operation == AdmissionOperation.Create && request.Definition.Resource == "pods")
            request.Object["spec"]!["volumes"] = new JsonArray(new JsonObject { ["name"] = "v", ["configMap"] = new JsonObject { ["name"] = "m" } });
        return ValueTask.CompletedTask;
    }
}
