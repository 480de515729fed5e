using System.Runtime.CompilerServices;
using Weft.Kernel.Nftables;
using Weft.Model.Nft;
using Weft.Reconcile.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

public sealed class NftRendererTests
{
    [Fact]
    public void Every_expression_renders_as_in_the_golden_file()
    {
        var text = NftRenderer.Render(SampleTable.Create());
        if (Environment.GetEnvironmentVariable("WEFT_UPDATE_GOLDEN") == "1")
            File.WriteAllText(Path.Combine(SourceFolder(), "sample.nft"), text);

        Assert.Equal(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Nftables", "sample.nft")), text);
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [Fact]
    public void Golden_file_is_accepted_by_the_fake()
    {
        var fake = new FakeNftables();

        Assert.Null(fake.Apply(NftRenderer.Render(SampleTable.Create())).Error);
        Assert.Empty(new NftablesReconciler(fake).Drift(SampleTable.Create()).Rows);
    }

    [Fact]
    public void Long_cause_is_cut_at_a_character_and_still_identified()
    {
        NftTable Of(string cause) => new("weft", [], [new("c", null, [new([new NftCounter()], cause)])]);
        var name = string.Concat(Enumerable.Repeat("\u00e9", 80));

        var line = NftRenderer.Render(Of(name + "1")).Split('\n')[2];

        Assert.Matches("^    counter comment \"\u00e9{50} #[0-9a-f]{8}\"$", line);
        Assert.NotEqual(line, NftRenderer.Render(Of(name + "2")).Split('\n')[2]);
        Assert.Null(new FakeNftables().Apply(NftRenderer.Render(Of(name))).Error);
    }

    [Theory]
    [InlineData("reject", "keyword")]
    [InlineData("two words", "holds ' '")]
    [InlineData("", "1 to 128 characters")]
    [InlineData("4pods", "start with a letter")]
    public void Name_that_nft_cannot_take_is_named(string name, string reason)
    {
        var e = Assert.Throws<ArgumentException>(() => NftRenderer.Render(new NftTable("weft", [], [new(name, null, [])])));

        Assert.Contains($"chain name '{name}'", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reject_as_an_elements_verdict_is_refused_with_the_sets_name()
    {
        var set = new NftSet("pods", [NftType.Ipv4Address], [NftType.Verdict], false, [new([NftValue.Of(SampleTable.Ip("10.0.0.1"))], Verdict: NftVerdict.Reject)]);

        var e = Assert.Throws<ArgumentException>(() => NftRenderer.Render(new NftTable("weft", [set], [])));

        Assert.StartsWith("set pods: Reject cannot be the verdict", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_elements_with_one_key_and_different_data_are_refused()
    {
        var set = new NftSet("marks", [NftType.Mark], [NftType.Mark], false,
            [new([NftValue.Of(1)], [NftValue.Of(2)]), new([NftValue.Of(1)], [NftValue.Of(3)])]);

        var e = Assert.Throws<ArgumentException>(() => NftRenderer.Render(new NftTable("weft", [set], [])));

        Assert.Equal("set marks: element 1 leads to both '2' and '3'", e.Message);
    }
}
