using System.Net;
using Weft.Primitives;

namespace Weft.Agent.Cni;

/// <summary>What the CNI server is told by the agent.</summary>
/// <param name="SocketPath">Where weft-cni finds the agent; made with mode 0600.</param>
/// <param name="PodMtu">MTU of pods in bytes, asked at each ADD: the underlay's less what the backend adds.</param>
/// <param name="NotReady">Why ADD cannot be served now (before the store has synced, for instance), or null; asked at ADD and STATUS.</param>
/// <param name="Log">Takes one line for each event that an operator may want to know of.</param>
public sealed record CniServerOptions(string SocketPath, Func<int> PodMtu, Func<string?> NotReady, Action<string> Log)
{
    /// <summary>How long ADD waits for routes and policy to be in force before it gives up and rolls back.</summary>
    public TimeSpan InForceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long ADD waits for the API server to show the pod that it is for, before it makes anything.</summary>
    public TimeSpan PodTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Name servers that ADD's result gives to containers outside Kubernetes for which nobody has named any.</summary>
    public EquatableArray<IPAddress> ClusterDns { get; init; } = [];

    /// <summary>How long a client may take to send its request.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections served at once; others wait in the socket's backlog.</summary>
    public int MaxConnections { get; init; } = 256;
}
