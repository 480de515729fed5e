using System.Net;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Streams;

namespace Weft.KubeApi;

/// <summary>An embedded Kubernetes API server.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    private ApiServer() { }

    /// <summary>In-process access with the server's own authority, without HTTP.</summary>
    public IApiClient Client => throw new NotImplementedException();

    public ResourceRegistry Registry { get; } = new();

    public IPodStreams? PodStreams { get; set; }

    /// <summary>Addresses listened on that were given as addresses, with the ports in use.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; } = [];

    /// <summary>PEM of the certificate authority that signed the serving certificate.</summary>
    public string CertificateAuthorityPem { get; } = "";

    /// <summary>Token of the cluster administrator (group system:masters); kept in the data directory with mode 0600.</summary>
    public string AdminToken { get; } = "";

    /// <summary>Opens or makes the database in the data directory and starts to serve.</summary>
    /// <exception cref="IOException">A listener's address is in use, or the data directory cannot be written.</exception>
    public static Task<ApiServer> StartAsync(ApiServerOptions options, CancellationToken cancel = default) => throw new NotImplementedException();

    /// <summary>Writes a kubeconfig with the administrator's token, mode 0600.</summary>
    /// <param name="serverUrl">As the reader of the file reaches the server: <c>https://127.0.0.1:6443</c>.</param>
    /// <param name="context">Name of the cluster, user and context in the file.</param>
    public void WriteKubeconfig(string path, string serverUrl, string context = "weft") => throw new NotImplementedException();

    /// <summary>A bearer token that authenticates as a service account (user system:serviceaccount:NAMESPACE:NAME).</summary>
    public string IssueServiceAccountToken(string ns, string name) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
