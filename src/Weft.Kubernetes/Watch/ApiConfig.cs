using System.Security.Cryptography.X509Certificates;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Weft.Kubernetes.Watch;

/// <summary>A kubeconfig, or the service account of a pod, that cannot be used; the message names the file and the field.</summary>
public sealed class ApiConfigException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Where the API server is, whom to trust and who we are (client-go's kubeconfig, v1 Config).</summary>
/// <param name="Authorities">Certificates to trust instead of the machine's; empty for the machine's.</param>
/// <param name="Token">Asked at each request: tokens of service accounts are renewed in place.</param>
public sealed record ApiConfig(
    Uri Server, X509Certificate2Collection Authorities, bool SkipVerify, string? TlsServerName, Func<string?> Token, X509Certificate2? ClientCertificate)
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Of the pod that this process runs in.</summary>
    /// <exception cref="ApiConfigException">This is no pod, or it has no service account.</exception>
    public static ApiConfig InCluster()
    {
        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
            throw new ApiConfigException("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod: give --kubeconfig FILE");
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile($"{ServiceAccount}/ca.crt");
            var token = $"{ServiceAccount}/token";
            _ = File.ReadAllText(token);
            var server = new Uri(host.Contains(':') ? $"https://[{host}]:{port}/" : $"https://{host}:{port}/");
            return new ApiConfig(server, authorities, false, null, () => File.ReadAllText(token).Trim(), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new ApiConfigException($"{ServiceAccount}: {e.Message}", e);
        }
    }

    /// <summary>The current context of a kubeconfig file.</summary>
    /// <exception cref="ApiConfigException">The file is missing, is not YAML, or lacks a field; the message names it.</exception>
    public static ApiConfig FromFile(string path)
    {
        try
        {
            var yaml = new YamlStream();
            using (var reader = new StreamReader(path))
                yaml.Load(reader);
            var root = yaml.Documents is [{ RootNode: YamlMappingNode mapping }, ..] ? mapping : throw new ApiConfigException($"{path}: not a kubeconfig");
            return new KubeconfigReader(path, root).Read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or YamlException)
        {
            throw new ApiConfigException($"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is FormatException or System.Security.Cryptography.CryptographicException)
        {
            throw new ApiConfigException($"{path}: a certificate or key cannot be read: {e.Message}", e);
        }
    }
}
