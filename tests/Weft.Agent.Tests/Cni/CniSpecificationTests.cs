using System.Text;

namespace Weft.Agent.Tests.Cni;

/// <summary>SPEC.md 1.1.0 and CONVENTIONS.md, clause by clause, as a runtime meets them. Each row cites the clause it proves.</summary>
public sealed class CniSpecificationTests
{
    public static TheoryData<int, string> Refusals()
    {
        var data = new TheoryData<int, string>();
        for (var i = 0; i < SpecificationRefusals.All.Count; i++)
            data.Add(i, $"{SpecificationRefusals.All[i].Clause} ({SpecificationRefusals.All[i].Command}: {Printable(SpecificationRefusals.All[i].InMessage)})");
        return data;
    }

    public static TheoryData<string> Behaviours() => [.. SpecificationBehaviours.All.Keys];

    /// <summary>"Bad input: error code and message per specification, nothing changed."</summary>
    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Bad_input_is_refused_by_the_clause_and_changes_nothing(int row, string clause)
    {
        var refusal = SpecificationRefusals.All[row];
        Assert.StartsWith(refusal.Clause, clause, StringComparison.Ordinal);
        await using var bench = new SpecificationBench();
        (await bench.Call("ADD", bench.Configuration(), [("CNI_CONTAINERID", "holder"), ("CNI_NETNS", "/run/netns/b")])).Succeeded();
        var before = bench.State();
        var variables = new Dictionary<string, string?>
        {
            ["CNI_COMMAND"] = refusal.Command, ["CNI_CONTAINERID"] = "c1", ["CNI_NETNS"] = SpecificationBench.Netns, ["CNI_IFNAME"] = "eth0",
        };
        foreach (var (key, value) in refusal.Environment ?? [])
            variables[key] = value;
        var configuration = refusal.Raw ?? Encoding.UTF8.GetBytes(bench.Configuration(refusal.Fields ?? []));
        var answer = await SpecificationBench.Call(variables, configuration);
        answer.Failed(refusal.Code, refusal.InMessage);
        Assert.Equal(before, bench.State());
        // SPEC.md section 5, "Error": cniVersion is "the protocol version in use".
        Assert.Contains((string?)answer.Output!["cniVersion"], (string[])["0.3.1", "0.4.0", "1.0.0", "1.1.0"]);
        Assert.True(answer.Message.Length < 1000, "an error that nobody can read");
        Assert.DoesNotContain(answer.Message, char.IsControl);
    }

    [Theory]
    [MemberData(nameof(Behaviours))]
    public async Task Commands_do_what_the_clause_says(string clause)
    {
        await using var bench = new SpecificationBench();
        await SpecificationBehaviours.All[clause](bench);
    }

    [Fact]
    public void No_clause_is_cited_without_a_row() =>
        Assert.True(SpecificationRefusals.All.Count > 250 && SpecificationBehaviours.All.Count > 40, $"{SpecificationRefusals.All.Count} and {SpecificationBehaviours.All.Count} rows");

    private static string Printable(string text) => string.Concat(text.Where(c => !char.IsControl(c)).Take(60));
}
