using Weft.Scenarios;

namespace Weft.Compile.Tests.Scenarios;

/// <summary>
/// Every folder of tests/Scenarios on the tracer. With WEFT_UPDATE_GOLDENS=1 the golden files are written instead of compared: look at the
/// difference before committing it.
/// </summary>
public sealed class ScenarioTests
{
    private static readonly IReadOnlyDictionary<string, Scenario> Loaded =
        Scenario.LoadAll(Scenario.FindDirectory()).ToDictionary(s => s.Name);

    public static TheoryData<string> Names() => [.. Loaded.Keys];

    [Fact]
    public void There_are_scenarios() => Assert.True(Loaded.Count >= 18, $"found {Loaded.Count}");

    [Theory]
    [MemberData(nameof(Names))]
    public void Flows_end_as_written(string name)
    {
        var scenario = Loaded[name];
        var judge = new FlowJudge(scenario.Cluster);
        Assert.NotEmpty(scenario.Flows);
        Assert.Empty(scenario.Flows.Select(judge.Judge).OfType<string>());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_is_left_out(string name)
    {
        var cluster = Loaded[name].Cluster;
        Assert.All(cluster.Snapshot.Nodes.Keys, node => Assert.Empty(cluster.Compile(node).Diagnostics));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Compiles_to_the_table_on_file(string name) => Golden(Loaded[name], "desired.nft", Loaded[name].DesiredNft());

    [Theory]
    [MemberData(nameof(Names))]
    public void Compiles_to_the_routes_on_file(string name) => Golden(Loaded[name], "routes.txt", Loaded[name].RoutesText());

    private static void Golden(Scenario scenario, string file, string compiled)
    {
        var path = Path.Combine(scenario.Directory, file);
        if (Environment.GetEnvironmentVariable("WEFT_UPDATE_GOLDENS") == "1")
        {
            File.WriteAllText(path, compiled);
            return;
        }
        Assert.True(File.Exists(path), $"{path} is not there; run the tests with WEFT_UPDATE_GOLDENS=1 to write it");
        Assert.Equal(File.ReadAllText(path), compiled);
    }
}
