using Weft.Kubernetes.Watch;

namespace Weft.Kubernetes.Tests;

public sealed class KubeconfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weft-kubeconfig").FullName;

    [Fact]
    public void ReadsTheCurrentContext()
    {
        var config = Read(
            """
            apiVersion: v1
            kind: Config
            current-context: b
            contexts:
            - {name: a, context: {cluster: a, user: a}}
            - {name: b, context: {cluster: b, user: b}}
            clusters:
            - {name: a, cluster: {server: "https://10.0.0.1:6443"}}
            - {name: b, cluster: {server: "https://[fd00::1]:6443", insecure-skip-tls-verify: true, tls-server-name: kubernetes}}
            users:
            - {name: a, user: {token: wrong}}
            - {name: b, user: {token: right}}
            """);
        Assert.Equal(new Uri("https://[fd00::1]:6443/"), config.Server);
        Assert.Equal("right", config.Token());
        Assert.True(config.SkipVerify);
        Assert.Equal("kubernetes", config.TlsServerName);
    }

    [Fact]
    public void ATokenFileIsReadAnew()
    {
        File.WriteAllText(Path.Combine(_directory, "token"), "first\n");
        var config = Read(Minimal("{tokenFile: token}"));
        Assert.Equal("first", config.Token());
        File.WriteAllText(Path.Combine(_directory, "token"), "second\n");
        Assert.Equal("second", config.Token());
    }

    [Theory]
    [InlineData("kind: Config", "current-context is missing")]
    [InlineData("[1, 2]", "not a kubeconfig")]
    [InlineData("a: [", "config")]
    [InlineData("current-context: x", "contexts has no 'x'")]
    public void SaysWhatIsWrong(string text, string expected) => Assert.Contains(expected, Assert.Throws<ApiConfigException>(() => Read(text)).Message);

    [Fact]
    public void RefusesWhatItCannotDo() =>
        Assert.Contains("exec", Assert.Throws<ApiConfigException>(() => Read(Minimal("{exec: {command: aws}}"))).Message);

    [Fact]
    public void NamesAMissingFile() => Assert.Contains("absent", Assert.Throws<ApiConfigException>(() => ApiConfig.FromFile(Path.Combine(_directory, "absent"))).Message);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private ApiConfig Read(string text)
    {
        var path = Path.Combine(_directory, "config");
        File.WriteAllText(path, text);
        return ApiConfig.FromFile(path);
    }

    private static string Minimal(string user) =>
        $$"""
        current-context: c
        contexts: [{name: c, context: {cluster: c, user: c} } ]
        clusters: [{name: c, cluster: {server: "https://10.0.0.1"} } ]
        users: [{name: c, user: {{user}} } ]
        """;
}
