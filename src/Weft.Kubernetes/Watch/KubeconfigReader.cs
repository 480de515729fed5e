using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.RepresentationModel;

namespace Weft.Kubernetes.Watch;

/// <summary>Picks the parts of the current context out of a kubeconfig. Relative paths are relative to the file, as kubectl takes them.</summary>
internal sealed class KubeconfigReader(string path, YamlMappingNode root)
{
    public ApiConfig Read()
    {
        var current = Text(root, "current-context") ?? throw Missing("current-context");
        var context = Named("contexts", current, "context");
        var cluster = Named("clusters", Text(context, "cluster") ?? throw Missing($"contexts[{current}].context.cluster"), "cluster");
        var user = Text(context, "user") is { Length: > 0 } name ? Named("users", name, "user") : new YamlMappingNode();
        if (Node(user, "exec") is not null || Node(user, "auth-provider") is not null)
            throw new ApiConfigException($"{path}: the user's exec and auth-provider are not supported; use a token or a client certificate");
        var server = Text(cluster, "server") ?? throw Missing("clusters[].cluster.server");
        return new ApiConfig(
            Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var uri) ? uri : throw new ApiConfigException($"{path}: server '{server}' is not a URL"),
            Authorities(cluster),
            Text(cluster, "insecure-skip-tls-verify") == "true",
            Text(cluster, "tls-server-name"),
            Token(user),
            Certificate(user));
    }

    private X509Certificate2Collection Authorities(YamlMappingNode cluster)
    {
        var authorities = new X509Certificate2Collection();
        if (Data(cluster, "certificate-authority") is { } pem)
            authorities.ImportFromPem(pem);
        return authorities;
    }

    private Func<string?> Token(YamlMappingNode user)
    {
        if (Text(user, "tokenFile") is { } file)
            return () => File.ReadAllText(Absolute(file)).Trim();
        var token = Text(user, "token");
        return () => token;
    }

    private X509Certificate2? Certificate(YamlMappingNode user) =>
        Data(user, "client-certificate") is { } certificate && Data(user, "client-key") is { } key ? X509Certificate2.CreateFromPem(certificate, key) : null;

    // Every such field is either a path, or with -data appended base64 of the content.
    private string? Data(YamlMappingNode node, string field) =>
        Text(node, $"{field}-data") is { } base64 ? Encoding.UTF8.GetString(System.Convert.FromBase64String(base64))
        : Text(node, field) is { } file ? File.ReadAllText(Absolute(file))
        : null;

    private string Absolute(string file) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file);

    private YamlMappingNode Named(string list, string name, string part) =>
        (Node(root, list) as YamlSequenceNode)?.Children.OfType<YamlMappingNode>().FirstOrDefault(n => Text(n, "name") == name) is { } found
            && Node(found, part) is YamlMappingNode inner
            ? inner
            : throw new ApiConfigException($"{path}: {list} has no '{name}'");

    private ApiConfigException Missing(string field) => new($"{path}: {field} is missing");

    private static YamlNode? Node(YamlMappingNode node, string key) => node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    private static string? Text(YamlMappingNode node, string key) => (Node(node, key) as YamlScalarNode)?.Value is { Length: > 0 } text ? text : null;
}
