using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Compile.Dns;
using Weft.Dns;
using Weft.Model;
using Weft.Store;

namespace Weft.Agent;

/// <summary>The cluster's DNS on this node: answers on the addresses of the DNS Service, which the node holds on its loopback device.</summary>
internal sealed partial class NodeDns : IAsyncDisposable
{
    private readonly NodeConfig _config;
    private readonly NodeFlow _flow;
    private readonly ILogger _logger;
    private readonly DnsServer _server;
    private ClusterSnapshot? _served;

    public NodeDns(AgentOptions options, NodeConfig config, NodeFlow flow, ILogger logger)
    {
        (_config, _flow, _logger) = (config, flow, logger);
        IReadOnlyList<IPEndPoint> upstreams = options.DnsUpstreams;
        if (upstreams.Count == 0 && File.Exists("/etc/resolv.conf"))
            upstreams = DnsServerOptions.ReadUpstreams(File.ReadAllText("/etc/resolv.conf"), config.DnsAddresses);
        _server = new DnsServer(new DnsServerOptions(upstreams, config.DnsAddresses, LogLine));
        flow.Passed += Follow;
    }

    /// <summary>Serves. To be called after the first pass, which puts the addresses on the node.</summary>
    public void Start()
    {
        if (_flow.Latest is { } pass)
            Follow(pass);
        foreach (var address in _config.DnsAddresses)
        {
            try
            {
                _server.Serve(DnsServer.Bind(address));
            }
            catch (SocketException e)
            {
                // Pods without names are better than pods without a network: the rest of the agent goes on.
                LogLine($"cannot serve DNS on {address}: {e.Message}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _flow.Passed -= Follow;
        await _server.DisposeAsync();
    }

    private void Follow(Pass pass)
    {
        var now = pass.Snapshot;
        if (_served is { } before && ReferenceEquals(before.Services, now.Services) && ReferenceEquals(before.EndpointSlices, now.EndpointSlices)
            && ReferenceEquals(before.Namespaces, now.Namespaces) && ReferenceEquals(before.Workloads, now.Workloads))
            return;
        _served = now;
        _server.Update(DnsCompiler.Compile(_config, now));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    private partial void LogLine(string line);
}
