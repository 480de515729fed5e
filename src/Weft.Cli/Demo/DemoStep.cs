using System.Reflection;

namespace Weft.Cli.Demo;

/// <summary>A pod (or Service) of the demo by namespace and app, as the matrix names it.</summary>
internal sealed record DemoTarget(string Label, string HostAndPort);

/// <summary>
/// A policy step: the manifest, who asks whom, and which pairs must be open once the policies are in force. Before them everything is.
/// </summary>
internal sealed record PolicyStep(
    string Title, string Manifest, IReadOnlyList<string> Sources, IReadOnlyList<DemoTarget> Targets, Func<string, string, bool> Allowed);

internal static class DemoSteps
{
    private const string Domain = "svc.cluster.local";

    public static string Manifest(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"demo/{name}")
            ?? throw new InvalidOperationException($"no manifest {name} in this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary><paramref name="myApp"/> is the pod address of my-app, which has no Service.</summary>
    public static IReadOnlyList<PolicyStep> All(string myApp) =>
    [
        new(
            "only frontends reach my-app, and only on port 80",
            "allow-frontend.yaml",
            ["default/frontend", "default/stranger", "development/web", "production/web"],
            [new("my-app:80", $"{myApp}:80"), new("my-app:81", $"{myApp}:81")],
            (from, to) => from == "default/frontend" && to == "my-app:80"),
        new(
            "development and production are isolated from each other",
            "isolate-environments.yaml",
            ["development/web", "production/web"],
            [Service("development", "api", 8080), Service("development", "database", 5432), Service("production", "api", 8080), Service("production", "database", 5432)],
            (from, to) => from.Split('/')[0] == to.Split('/')[0]),
        new(
            "in production only named services are reachable",
            "named-services-only.yaml",
            ["production/web", "production/api", "production/database", "development/web"],
            [Service("production", "web", 8080), Service("production", "api", 8080), Service("production", "database", 5432)],
            (from, to) => (from, to) is (_, "production/web") or ("production/web", "production/api") or ("production/api", "production/database")),
        new(
            "development is open to the operations team's namespaces only",
            "by-namespace.yaml",
            ["operations/console", "production/web", "development/web"],
            [Service("development", "api", 8080), Service("development", "database", 5432)],
            (from, _) => from == "operations/console"),
    ];

    private static DemoTarget Service(string ns, string name, int port) => new($"{ns}/{name}", $"{name}.{ns}.{Domain}:{port}");
}
