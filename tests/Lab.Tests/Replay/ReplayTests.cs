using Lab.Tests.Support;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>
/// Every folder of tests/Scenarios with real packets: the same flows.txt that the tracer judges in Weft.Compile.Tests, so that the two agree
/// or one of them fails.
/// </summary>
internal static class Replayed
{
    private static readonly IReadOnlyDictionary<string, Scenario> All = Scenario.LoadAll(Scenario.FindDirectory()).ToDictionary(s => s.Name);

    public static TheoryData<string> Names(bool ipv4, bool ipv6) =>
        [.. All.Values.Where(s => s.Cluster.Options.IPv4 == ipv4 && s.Cluster.Options.IPv6 == ipv6).Select(s => s.Name)];

    public static async Task RunAsync(TestLab lab, string name)
    {
        lab.Require();
        await using var run = new ScenarioRun(lab, All[name]);
        await run.StartAsync();
        var problems = await run.JudgeAsync();
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }
}

[Collection(IPv4LabCollection.Name)]
public sealed class IPv4ReplayTests(IPv4Lab lab)
{
    public static TheoryData<string> Names() => Replayed.Names(ipv4: true, ipv6: false);

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public Task Flows_end_as_written(string name) => Replayed.RunAsync(lab, name);
}

public sealed class IPv6ReplayTests(IPv6Lab lab) : IClassFixture<IPv6Lab>
{
    public static TheoryData<string> Names() => Replayed.Names(ipv4: false, ipv6: true);

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public Task Flows_end_as_written(string name) => Replayed.RunAsync(lab, name);
}

public sealed class DualStackReplayTests(DualLab lab) : IClassFixture<DualLab>
{
    public static TheoryData<string> Names() => Replayed.Names(ipv4: true, ipv6: true);

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public Task Flows_end_as_written(string name) => Replayed.RunAsync(lab, name);
}
