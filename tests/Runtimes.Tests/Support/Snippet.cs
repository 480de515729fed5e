using System.Text.RegularExpressions;

namespace Runtimes.Tests.Support;

/// <summary>The configuration files of docs/runtimes.md: what the page tells people to write is what these tests run with.</summary>
internal static partial class Snippet
{
    /// <summary>The content of the fenced block whose first line is <c># PATH</c>.</summary>
    public static string Of(string path)
    {
        var blocks = Fence().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "runtimes.md"))).Select(m => m.Groups[1].Value);
        return blocks.SingleOrDefault(b => b.StartsWith($"# {path}\n", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"docs/runtimes.md has no block that begins with '# {path}'");
    }

    public static string Root()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Weft.slnx")))
                return directory.FullName;
        throw new DirectoryNotFoundException("the tests do not run below the repository");
    }

    [GeneratedRegex("^```[a-z]*\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
