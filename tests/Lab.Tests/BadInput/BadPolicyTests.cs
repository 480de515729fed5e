using Lab.Tests.Support;

namespace Lab.Tests.BadInput;

/// <summary>Policies that cannot mean what they say.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class BadPolicyTests(RoughLab lab)
{
    private static string Policy(string rule) => $$$"""
        {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"default","name":"bad"},
         "spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{{{rule}}}]}}
        """;

    [SkippableTheory]
    [InlineData("""{"from":[{"ipBlock":{"cidr":"10.0.0.0/33"}}]}""", "spec.ingress[0].from[0].ipBlock.cidr", "10.0.0.0/33")]
    [InlineData("""{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["192.168.0.0/16"]}}]}""", "spec.ingress[0].from[0].ipBlock.except[0]", "192.168.0.0/16")]
    [InlineData("""{"form":[{"podSelector":{}}]}""", "spec.ingress[0].form", "unknown field")]
    [InlineData("""{"from":[{}]}""", "spec.ingress[0].from[0]", "must specify a peer")]
    public async Task Kubectl_is_told_the_field_and_nothing_is_stored(string rule, string field, string problem)
    {
        lab.Require();
        Commands.RequireKubectl();
        var result = await Commands.KubectlAsync(lab, Policy(rule), "apply", "-f", "-");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(field, result.Error, StringComparison.Ordinal);
        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.Empty(await lab.Api.ListAsync(LabApi.Collection("NetworkPolicy", "default")));
    }

    [SkippableFact]
    public async Task A_field_that_is_let_past_is_pruned_and_the_policy_comes_into_force_without_it()
    {
        lab.Require();
        var stored = await lab.Api.CreateAsync(Pods.Json(Policy("""{"from":[{"podSelector":{}}],"form":[]}""")), "?fieldValidation=Ignore");
        try
        {
            Assert.Null(stored["spec"]!["ingress"]![0]!["form"]);
            foreach (var agent in lab.Agents)
            {
                await Eventually.NoneAsync(async () => (await agent.TableAsync("policies")).Rows.Any(r => r[1] == "bad" && r[5] == "in force")
                    ? null : (await agent.TableAsync("policies")).ToText());
            }
        }
        finally
        {
            await lab.Api.DeleteAsync($"{LabApi.Collection("NetworkPolicy", "default")}/bad");
        }
        foreach (var agent in lab.Agents)
            await Eventually.NoneAsync(async () => (await agent.TableAsync("policies")).Rows.Count == 0 ? null : $"{agent.Node} still has policies");
    }
}
