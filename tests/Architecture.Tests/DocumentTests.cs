using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>The documents name only what exists: every path between backticks, and every relative link.</summary>
public partial class DocumentTests
{
    private static readonly string[] Documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

    private static readonly string[] Folders = ["src/", "tests/", "docs/", "samples/", "scripts/", "benchmarks/", "tools/", "bpf/", "fuzz/", ".ci/"];

    public static TheoryData<string> Names() => [.. Documents];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryPathNamedExists(string document)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, document));
        var missing = Backticked().Matches(text).Select(m => m.Groups[1].Value)
            .Concat(Links().Matches(text).Select(m => m.Groups[1].Value))
            .Where(IsPath)
            .Select(p => p.TrimEnd('/'))
            .Where(p => !Path.Exists(Path.Combine(Repository.Root, p)))
            .Distinct()
            .ToList();
        Assert.True(missing.Count == 0, $"{document} names what does not exist: {string.Join(", ", missing)}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryTypeNamedExists(string document)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, document));
        var sources = string.Join('\n', Repository.Sources("src").Concat(Repository.Sources("tests")).Select(File.ReadAllText));
        var missing = Backticked().Matches(text).Select(m => m.Groups[1].Value)
            .Where(word => TypeName().IsMatch(word))
            .Where(word => !Regex.IsMatch(sources, $@"\b(class|record|struct|interface|enum)\s+{word}\b"))
            .Distinct()
            .ToList();
        Assert.True(missing.Count == 0, $"{document} names types that do not exist: {string.Join(", ", missing)}");
    }

    private static bool IsPath(string text) =>
        !text.Contains(' ') && !text.Contains('*') && !text.Contains('<') && !text.Contains("://")
        && (Folders.Any(f => text.StartsWith(f, StringComparison.Ordinal)) || RootFile().IsMatch(text));

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Backticked();

    [GeneratedRegex(@"\]\(([^)#:]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"^\.?/?[A-Za-z]+\.(md|sh|slnx|props|json)$|^(LICENSE|Makefile)$")]
    private static partial Regex RootFile();

    // Names of our own types have an ending of the vocabulary; API kinds (NetworkPolicy, Service) do not count.
    [GeneratedRegex(@"^[A-Z][A-Za-z]+(Compiler|Reconciler|Reflector|Store|Snapshot|Tracer|Converter|Renderer|Table|Server|Oracle|Namespace|State|Config)$")]
    private static partial Regex TypeName();
}
