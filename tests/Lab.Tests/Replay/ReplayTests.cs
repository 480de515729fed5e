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
        var problems = await JudgeAsync(lab, All[name], All[name].Flows);
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    /// <summary>Judges lines on a scenario that they were not written for.</summary>
    public static Task<IReadOnlyList<string>> JudgeAsync(TestLab lab, string name, string lines) =>
        JudgeAsync(lab, All[name], FlowParser.Parse(lines, ipv6: false));

    private static async Task<IReadOnlyList<string>> JudgeAsync(TestLab lab, Scenario scenario, IReadOnlyList<Flow> flows)
    {
        lab.Require();
        await using var run = new ScenarioRun(lab, scenario);
        await run.StartAsync();
        return await run.JudgeAsync(flows);
    }
}

[Collection(IPv4LabCollection.Name)]
public sealed class IPv4ReplayTests(IPv4Lab lab)
{
    public static TheoryData<string> Names() => Replayed.Names(ipv4: true, ipv6: false);

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public Task Flows_end_as_written(string name) => Replayed.RunAsync(lab, name);

    /// <summary>A judge that accepts anything would make every scenario pass: these lines are wrong, each in one way.</summary>
    [SkippableFact]
    public async Task Wrong_lines_are_told_what_was_seen()
    {
        var wrong = new (string Line, string Seen)[]
        {
            ("default/client -> default/web-1:8080/TCP deny", "allow by default/web-1"),
            ("default/client -> service/default/web:81/TCP allow", "reject"),
            ("default/client -> service/default/web:80/TCP allow to=default/web-1,default/web-2", "reaches "),
            ("outside -> node/node1:30080/TCP allow from=outside", "seen as"),
            ("outside -> default/web-1:8080/TCP deny", "unreachable"),
            ("default/client -> default/web-1:ping allow from=node/node1", "seen as"),
            ("default/client -> default/web-1:2905/SCTP deny", "allow by default/web-1"),
        };
        var problems = await Replayed.JudgeAsync(lab, "service-nodeport", string.Join('\n', wrong.Select(w => w.Line)));
        Assert.Equal(wrong.Length, problems.Count);
        Assert.All(wrong.Zip(problems), pair =>
        {
            Assert.Contains(pair.First.Line, pair.Second, StringComparison.Ordinal);
            Assert.Contains(pair.First.Seen, pair.Second, StringComparison.Ordinal);
        });
    }
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
