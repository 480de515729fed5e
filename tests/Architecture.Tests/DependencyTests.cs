namespace Architecture.Tests;

/// <summary>The table of ARCHITECTURE.md, as a test: which room may see which, and why.</summary>
public class DependencyTests
{
    private const string Anything = "*";

    // Room, what it may reference, why no more.
    private static readonly (string Room, string[] May, string Why)[] Table =
    [
        ("Weft.Primitives", [], "everything stands on it"),
        ("Weft.Model", ["Weft.Primitives"], "data has no behaviour that needs another room"),
        ("Weft.Wire", ["Weft.Primitives"], "formats are bytes in, values out; they know no cluster"),
        ("Weft.Store", ["Weft.Model", "Weft.Primitives"], "it holds state and does not know who fills or reads it"),
        ("Weft.Compile", ["Weft.Model", "Weft.Primitives", "Weft.Store"], "pure: no I/O, no clock, no kernel, so that it can be tested and rehearsed anywhere"),
        ("Weft.Kernel", ["Weft.Model", "Weft.Wire", "Weft.Primitives"], "it does what it is told and never asks why"),
        ("Weft.Reconcile", ["Weft.Model", "Weft.Primitives", "Weft.Kernel"], "it sees desired and observed state only; never the API's objects"),
        ("Weft.Kubernetes", ["Weft.Model", "Weft.Store", "Weft.Primitives"], "the API enters here and nowhere else"),
        ("Weft.Dns", ["Weft.Model", "Weft.Wire", "Weft.Primitives"], "sans-I/O core with thin sessions"),
        ("Weft.KubeApi", ["Weft.Primitives"], "a Kubernetes API server that knows nothing of Weft"),
        ("Weft.Agent", [Anything], "executable: wiring"),
        ("Weft.Cni", ["Weft.Wire", "Weft.Primitives"], "started once an attachment: whatever it references is paid for in start-up time"),
        ("Weft.Cli", [Anything], "executable: wiring"),
        ("Weft.Lab", [Anything], "the lab runs everything"),
    ];

    public static TheoryData<string> Rooms() => [.. Repository.Projects("src").Select(p => Path.GetFileNameWithoutExtension(p))];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ARoomSeesOnlyWhatItMay(string room)
    {
        var row = Table.SingleOrDefault(r => r.Room == room);
        Assert.True(row.Room is not null, $"{room} is not in the dependency table: add it there with a reason, or put its code in a room that is.");
        if (row.May.Contains(Anything))
            return;
        var project = Repository.Projects("src").Single(p => Path.GetFileNameWithoutExtension(p) == room);
        var banned = Repository.References(project).Except(row.May).ToList();
        Assert.True(banned.Count == 0, $"{room} references {string.Join(", ", banned)}, which it may not: {row.Why}.");
    }

    [Fact]
    public void NobodyReferencesAnExecutable()
    {
        var executables = new[] { "Weft.Agent", "Weft.Cni", "Weft.Cli" };
        foreach (var project in Repository.Projects("src"))
            Assert.Empty(Repository.References(project).Intersect(executables));
    }

    [Fact]
    public void EveryRoomIsInTheSolution()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Weft.slnx"));
        foreach (var project in Repository.Projects("src").Concat(Repository.Projects("tests")))
            Assert.Contains(Repository.Relative(project), solution, StringComparison.Ordinal);
    }
}
