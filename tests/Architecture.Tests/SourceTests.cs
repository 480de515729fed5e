using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>What may not be written in some rooms, however convenient.</summary>
public partial class SourceTests
{
    [Fact]
    public void OnlyTheKernelRoomCallsNativeCode() => AssertAbsent(
        f => !f.StartsWith("src/Weft.Kernel/", StringComparison.Ordinal) && !f.StartsWith("src/Weft.Proxy/", StringComparison.Ordinal),
        NativeCall(),
        "LibraryImport, DllImport and unsafe belong in Weft.Kernel, behind a port");

    [Fact]
    public void CompilersArePure() => AssertAbsent(
        f => f.StartsWith("src/Weft.Compile/", StringComparison.Ordinal) || f.StartsWith("src/Weft.Model/", StringComparison.Ordinal),
        Impure(),
        "compilers depend on current state alone: no clock, no I/O, no randomness, no environment");

    [Fact]
    public void NoBlockingOnTasksOutsideTheKernelRoom() => AssertAbsent(
        f => f.StartsWith("src/Weft.Store/", StringComparison.Ordinal) || f.StartsWith("src/Weft.Kubernetes/", StringComparison.Ordinal),
        Blocking(),
        "a blocked thread pool thread is a stalled agent");

    [Fact]
    public void FilesStayReadable()
    {
        // Long files that have a reason. Anything else past the limit wants a split along its concepts.
        string[] reasoned = [];
        var tooLong = Repository.Sources("src").Select(Repository.Relative)
            .Where(f => !reasoned.Contains(f) && File.ReadLines(Path.Combine(Repository.Root, f)).Count() > 500)
            .ToList();
        Assert.True(tooLong.Count == 0, $"past 500 lines: {string.Join(", ", tooLong)}");
    }

    private static void AssertAbsent(Func<string, bool> where, Regex banned, string why)
    {
        var found = new List<string>();
        foreach (var file in Repository.Sources("src"))
        {
            var name = Repository.Relative(file);
            if (!where(name))
                continue;
            var number = 0;
            foreach (var line in File.ReadLines(file))
            {
                number++;
                var code = line.TrimStart();
                if (!code.StartsWith("//", StringComparison.Ordinal) && banned.Match(code) is { Success: true } match)
                    found.Add($"{name}:{number} ({match.Value})");
            }
        }
        Assert.True(found.Count == 0, $"{why}: {string.Join("; ", found)}");
    }

    [GeneratedRegex(@"\b(LibraryImport|DllImport)\b|\bunsafe\b(?! of)|\bAllowUnsafeBlocks\b")]
    private static partial Regex NativeCall();

    [GeneratedRegex(@"\b(DateTime(Offset)?\.(Utc)?Now|TimeProvider|Stopwatch|File\.|Directory\.|Environment\.(GetEnv|Machine|Tick)|new Random|Random\.Shared|Guid\.NewGuid|new Socket|HttpClient|Process\.Start|Thread\.Sleep)\b?")]
    private static partial Regex Impure();

    [GeneratedRegex(@"\.GetAwaiter\(\)\.GetResult\(\)|\.Wait\(\)|\bThread\.Sleep\b")]
    private static partial Regex Blocking();
}
