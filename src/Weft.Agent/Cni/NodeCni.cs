using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Compile;
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
    private readonly NodeAddresses _source;
    private readonly CniOperations _operations;
    private readonly CniServerOptions _serverOptions;
    private readonly KernelPodNetwork _network;
    private CniServer? _server;
    private volatile string? _announceProblem;
    private volatile bool _announced;

    public NodeCni(AgentOptions options, NodeConfig config, AddressStore addresses, NodeAddresses source, NodeKernel kernel, ClusterStore store, NodeFlow flow, ILogger logger)
    {
        (_options, _addresses, _source, _store, _flow, _logger) = (options, addresses, source, store, flow, logger);
        _serverOptions = new CniServerOptions(options.CniSocket, () => PodMtu(flow, config), Problem, LogLine) { ClusterDns = config.DnsAddresses };
        _network = kernel.Pods();
        _operations = new CniOperations(_addresses, new StoreAttachments(store, flow, kernel.AttachmentDrift()), _network, _serverOptions, source);
        flow.Passed += Follow;
    }

    public CniOperations Operations => _operations;

    /// <summary>Takes over the attachments of an earlier agent. Call when the store has synced and before the first pass.</summary>
    public void Restore()
    {
        foreach (var line in _addresses.Found)
            LogLine(line);
        _source.Follow(_store.Current);
        var (kept, dropped) = _operations.Restore();
        LogRestored(kept, dropped);
    }

    /// <summary>Answers runtimes from now on: DEL at once, ADD and STATUS with code 11 or 50 until the node is ready.</summary>
    /// <exception cref="IOException">The socket cannot be made.</exception>
    public void Serve() => _server = CniServer.Start(_operations, _serverOptions);

    /// <summary>What finds the addresses that runtimes have forgotten; to be run when the store has synced and <see cref="Restore"/> is done.</summary>
    public GarbageCollector Garbage(ILogger logger) => new(
        _addresses, _operations, new GarbageJudge(_options.Node, _network, () => _store.Current), new CriSandboxes(_options.CriSocket, logger),
        _options.CollectAfter, TimeProvider.System, logger);

    /// <summary>Why pods cannot be attached now, or null.</summary>
    public string? Problem()
    {
        if (_source.Problem is { } cidrs)
            return cidrs;
        if (_flow.Latest is not { } pass)
            return "the first pass over the kernel is not over";
        // Once the whole has been in force, what fails concerns the pods that it names, and ADD asks for each.
        return _announced ? null : pass.Failure is { } failure ? $"the datapath has not been in force yet: {failure}" : _announceProblem;
    }

    public async ValueTask DisposeAsync()
    {
        _flow.Passed -= Follow;
        if (_server is not null)
            await _server.DisposeAsync();
    }

    // What fits through the backend's device, which is the underlay less the outer headers. A node without its first block yet has no such device.
    private static int PodMtu(NodeFlow flow, NodeConfig config) =>
        flow.Latest?.Desired.Routing.Links.OfType<VxlanLink>().FirstOrDefault()?.Mtu ?? config.UnderlayMtu - WeftNames.VxlanOverheadIPv6;

    private void Follow(Pass pass)
    {
        _source.Follow(pass.Snapshot);
        if (!_announced && pass.InForce && _source.Problem is null)
            Announce();
    }

    // The file is what runtimes take the network's readiness from: it appears once the datapath is in force and addresses can be given, and not
    // before. It stays when the agent stops.
    private void Announce()
    {
        try
        {
            ConfigurationListFile.Write(_options.CniConfDir, "weft", _options.CniSocket);
            _announceProblem = null;
            _announced = true;
            LogAnnounced(_options.CniConfDir);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next pass tries again.
            _announceProblem = $"the network configuration cannot be written to {_options.CniConfDir} (--cni-conf-dir): {e.Message}";
            LogLine(_announceProblem);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    private partial void LogLine(string line);

    [LoggerMessage(Level = LogLevel.Information, Message = "ready for pods: the configuration is in {Directory}")]
    private partial void LogAnnounced(string directory);

    [LoggerMessage(Level = LogLevel.Information, Message = "attachments of an earlier agent: {Kept} kept, {Dropped} freed")]
    private partial void LogRestored(int kept, int dropped);
}
