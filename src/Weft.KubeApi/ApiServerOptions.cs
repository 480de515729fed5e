using System.Net;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Streams;

namespace Weft.KubeApi;

/// <summary>How an embedded API server runs. One process may host several.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Holds the database, the certificate authority, the serving certificate and the token. Made with mode 0700 when absent.</summary>
    public required string DataDirectory { get; init; }

    public required IReadOnlyList<ApiListener> Listeners { get; init; }

    /// <summary>DNS names and IP addresses that the serving certificate is for, besides localhost, 127.0.0.1 and ::1.</summary>
    public IReadOnlyList<string> SubjectAlternativeNames { get; init; } = [];

    /// <summary>Where logs, exec, attach and portforward go; may be set later through <see cref="ApiServer.PodStreams"/>.</summary>
    public IPodStreams? PodStreams { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Kinds besides the built-in ones, or changes to those.</summary>
    public Action<ResourceRegistry>? ConfigureKinds { get; init; }

    /// <summary>Hooks that run for every kind after the kind's own <see cref="ResourceDefinition.Admit"/>.</summary>
    public IReadOnlyList<Func<AdmissionRequest, CancellationToken, ValueTask>> Admission { get; init; } = [];

    /// <summary>How many changes a watch can look back on before it gets 410 Gone.</summary>
    public int HistoryWindow { get; init; } = 20_000;

    /// <summary>How many events may wait for one slow watcher before the server closes its watch.</summary>
    public int WatcherBuffer { get; init; } = 10_000;

    /// <summary>Between bookmarks of a watch that allows them.</summary>
    public TimeSpan BookmarkInterval { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Where the server listens: an address, or a TCP socket that is bound and listening already.</summary>
public sealed record ApiListener
{
    private ApiListener() { }

    /// <summary>Port 0 picks a free port: see <see cref="ApiServer.Endpoints"/>.</summary>
    public IPEndPoint? EndPoint { get; private init; }

    /// <summary>File descriptor of a listening socket; the server owns it from here on.</summary>
    public ulong? SocketHandle { get; private init; }

    public static ApiListener At(IPEndPoint endPoint) => new() { EndPoint = endPoint };

    /// <summary>For a socket opened in another network namespace.</summary>
    public static ApiListener OnSocket(ulong handle) => new() { SocketHandle = handle };
}
