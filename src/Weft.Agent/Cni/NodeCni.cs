using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Store;

namespace Weft.Agent.Cni;

/// <summary>Wires the CNI server to the flow: what runtimes are told depends on whether the node's network is in force.</summary>
internal sealed partial class NodeCni : IAsyncDisposable
{
    private readonly AgentOptions _options;
    private readonly ClusterStore _store;
    private readonly NodeFlow _flow;
    private readonly ILogger _logger;
    private readonly AddressStore _addresses;
    private readonly CniOperations _operations;
    private readonly CniServerOptions _serverOptions;
    private CniServer? _server;
    private string? _cidrProblem;

    public NodeCni(AgentOptions options, NodeConfig config, AddressStore addresses, NodeKernel kernel, ClusterStore store, NodeFlow flow, ILogger logger)
    {
        (_options, _addresses, _store, _flow, _logger) = (options, addresses, store, flow, logger);
        _serverOptions = new CniServerOptions(options.CniSocket, () => PodMtu(flow, config), NotReady, LogLine);
        _operations = new CniOperations(_addresses, new StoreAttachments(store, flow, kernel.AttachmentDrift()), new KernelPodNetwork(kernel.Network, kernel.Netlink), _serverOptions);
        flow.Passed += FollowCidrs;
    }

    /// <summary>Takes over the attachments of an earlier agent. Call when the store has synced and before the first pass.</summary>
    public void Restore()
    {
        foreach (var line in _addresses.Found)
            LogLine(line);
        SetCidrs(_store.Current);
        var (kept, dropped) = _operations.Restore();
        LogRestored(kept, dropped);
    }

    /// <summary>Serves runtimes, then shows them the configuration: in this order, so that nobody finds a socket that does not answer.</summary>
    /// <exception cref="IOException">The socket or the configuration cannot be made.</exception>
    public void Start()
    {
        _server = CniServer.Start(_operations, _serverOptions);
        ConfigurationListFile.Write(_options.CniConfDir, "weft", _options.CniSocket);
    }

    public async ValueTask DisposeAsync()
    {
        _flow.Passed -= FollowCidrs;
        if (_server is not null)
            await _server.DisposeAsync();
    }

    // What fits through the backend's device, which is the underlay less the outer headers.
    private static int PodMtu(NodeFlow flow, NodeConfig config) =>
        flow.Latest?.Desired.Routing.Links.OfType<VxlanLink>().FirstOrDefault()?.Mtu ?? config.UnderlayMtu;

    private string? NotReady() =>
        _cidrProblem ?? (_flow.Latest is null ? "the first pass over the kernel is not over" : null);

    private void FollowCidrs(Pass pass) => SetCidrs(pass.Snapshot);

    private void SetCidrs(ClusterSnapshot snapshot)
    {
        try
        {
            if (!snapshot.Nodes.TryGetValue(_options.Node, out var node))
                _cidrProblem = $"the API server has no Node {_options.Node}";
            else if (node.PodCidrs.IsEmpty)
                _cidrProblem = $"Node {_options.Node} has no spec.podCIDRs";
            else if (Overlapping(snapshot, node) is { } other)
                _cidrProblem = $"Node {_options.Node}, spec.podCIDRs: {string.Join(", ", node.PodCidrs)} overlaps with that of Node {other}; give each node a prefix of its own";
            else
            {
                _addresses.SetCidrs(_options.Node, node.PodCidrs);
                _cidrProblem = null;
            }
        }
        catch (AddressStoreException e)
        {
            _cidrProblem = e.Message;
        }
    }

    private static string? Overlapping(ClusterSnapshot snapshot, Model.Cluster.Node node) => snapshot.Nodes.Values
        .Where(n => n.Name != node.Name && n.PodCidrs.Any(theirs => node.PodCidrs.Any(mine => mine.Overlaps(theirs))))
        .Select(n => n.Name).Order(StringComparer.Ordinal).FirstOrDefault();

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    private partial void LogLine(string line);

    [LoggerMessage(Level = LogLevel.Information, Message = "attachments of an earlier agent: {Kept} kept, {Dropped} freed")]
    private partial void LogRestored(int kept, int dropped);
}
