using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Weft.KubeApi.Client;
using Weft.KubeApi.Discovery;
using Weft.KubeApi.Garbage;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Security;
using Weft.KubeApi.Storage;
using Weft.KubeApi.Streams;

namespace Weft.KubeApi;

/// <summary>An embedded Kubernetes API server.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    private readonly ObjectStore _store;
    private readonly ApiCore _core;
    private readonly TokenAuthority _tokens;
    private readonly GarbageCollector _garbage;
    private readonly WebApplication _web;

    private ApiServer(ApiServerOptions options, ObjectStore store)
    {
        _store = store;
        PodStreams = options.PodStreams;
        BuiltInKinds.Register(Registry);
        options.ConfigureKinds?.Invoke(Registry);
        _core = new ApiCore(Registry, store, options);
        _tokens = new TokenAuthority(options.DataDirectory, options.TimeProvider,
            (ns, name) => store.Current.Find(new ObjectKey("serviceaccounts", ns, name))?.Uid);
        _garbage = new GarbageCollector(_core);
        var authority = CertificateAuthority.OpenOrCreate(options.DataDirectory, options.TimeProvider);
        CertificateAuthorityPem = authority.Pem;
        var streams = new PodStreamHandler(_core, () => PodStreams);
        var http = new HttpApi(_tokens, new ResourceHandler(_core, new SubresourceHandler(_core, _tokens, streams)),
            new DiscoveryHandler(Registry), new OpenApiHandler(Registry, _core.Schemas), new ReviewHandler(_tokens));
        _web = BuildWeb(options, authority, http);
    }

    /// <summary>In-process access with the server's own authority, without HTTP.</summary>
    public IApiClient Client => _core.Client;

    public ResourceRegistry Registry { get; } = new();

    public IPodStreams? PodStreams { get; set; }

    /// <summary>Addresses and sockets listened on, with the ports in use, in the order of the options.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    /// <summary>PEM of the certificate authority that signed the serving certificate.</summary>
    public string CertificateAuthorityPem { get; }

    /// <summary>Token of the cluster administrator (group system:masters); kept in the data directory with mode 0600.</summary>
    public string AdminToken => _tokens.AdminToken;

    internal ObjectStore Store => _store;

    /// <summary>Opens or makes the database in the data directory and starts to serve.</summary>
    /// <exception cref="IOException">A listener's address is in use, or the data directory cannot be written.</exception>
    public static async Task<ApiServer> StartAsync(ApiServerOptions options, CancellationToken cancel = default)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(options.DataDirectory);
        else
            Directory.CreateDirectory(options.DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var store = new ObjectStore(Path.Combine(options.DataDirectory, "objects.db"), options.HistoryWindow, options.WatcherBuffer);
        ApiServer? server = null;
        try
        {
            server = new ApiServer(options, store);
            await server.ReplayAsync(cancel);
            await server.CreateInitialNamespacesAsync(cancel);
            server._garbage.Start();
            await server._web.StartAsync(cancel);
            server.Endpoints = server.ReadEndpoints();
            return server;
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync();
            else
                await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes a kubeconfig with the administrator's token, mode 0600.</summary>
    /// <param name="serverUrl">As the reader of the file reaches the server: <c>https://127.0.0.1:6443</c>.</param>
    /// <param name="context">Name of the cluster, user and context in the file.</param>
    public void WriteKubeconfig(string path, string serverUrl, string context = "weft") =>
        PrivateFile.Write(path, Kubeconfig.Render(context, serverUrl, CertificateAuthorityPem, AdminToken));

    /// <summary>
    /// A bearer token that authenticates as a service account (user system:serviceaccount:NAMESPACE:NAME) for a year, or until the account goes.
    /// </summary>
    /// <exception cref="ApiStatusException">404 when there is no such account.</exception>
    public string IssueServiceAccountToken(string ns, string name)
    {
        var account = _store.Current.Find(new ObjectKey("serviceaccounts", ns, name)) ?? throw StatusErrors.NotFound("serviceaccounts", name);
        return _tokens.Issue(ns, name, account.Uid, TimeSpan.FromDays(365)).Token;
    }

    public async ValueTask DisposeAsync()
    {
        // Watches would hold the listeners open until their clients went.
        _store.CloseWatchers();
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2)))
        {
            try
            {
                await _web.StopAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                // What is still connected is cut off below.
            }
        }
        await _web.DisposeAsync();
        await _garbage.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static WebApplication BuildWeb(ApiServerOptions options, CertificateAuthority authority, HttpApi http)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [], ContentRootPath = options.DataDirectory });
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(2));
        // The host's own handler would take Ctrl-C away from the process that embeds the server.
        builder.Services.AddSingleton<IHostLifetime, NoHostLifetime>();
        builder.WebHost.UseKestrelHttpsConfiguration();
        var certificate = authority.ServingCertificate(options.SubjectAlternativeNames);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Informers hold one stream open for each kind, many on one connection.
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Limits.MaxRequestBodySize = null;
            foreach (var listener in options.Listeners)
            {
                void Secure(ListenOptions listen) => listen.UseHttps(certificate);
                if (listener.SocketHandle is { } handle)
                    kestrel.ListenHandle(handle, Secure);
                else
                    kestrel.Listen(listener.EndPoint!, Secure);
            }
        });
        var web = builder.Build();
        web.UseWebSockets();
        web.Run(http.HandleAsync);
        return web;
    }

    // What was found on disk takes effect as if it had just been written: CRDs bring their resources back first.
    private async Task ReplayAsync(CancellationToken cancel)
    {
        var state = _store.Current;
        foreach (var definition in Registry.Definitions.ToArray())
        {
            if (definition.Committed is not { } committed)
                continue;
            foreach (var stored in state.All(definition.Resource, null))
                await committed(new CommittedChange(definition, null, stored.Object, Client, Replay: true), cancel);
        }
    }

    private async Task CreateInitialNamespacesAsync(CancellationToken cancel)
    {
        foreach (var name in (string[])["default", "kube-system", "kube-public", "kube-node-lease"])
        {
            if (_store.Current.Find(new ObjectKey(NamespaceLifecycle.Resource, "", name)) is not null)
                continue;
            await Client.CreateAsync(NamespaceLifecycle.Resource, "", new() { ["metadata"] = new System.Text.Json.Nodes.JsonObject { ["name"] = name } }, cancel);
        }
    }

    private IPEndPoint[] ReadEndpoints()
    {
        var addresses = _web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        return addresses.Select(a => Uri.TryCreate(a, UriKind.Absolute, out var uri) && IPAddress.TryParse(uri.Host, out var ip)
            ? new IPEndPoint(ip, uri.Port) : null).OfType<IPEndPoint>().ToArray();
    }
}
