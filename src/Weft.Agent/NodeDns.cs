using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Compile.Dns;
using Weft.Dns;
using Weft.Model;
using Weft.Model.Dns;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent;

/// <summary>
/// Wires the DNS server to the flow: it answers on the DNS Service's addresses, which the flow puts on this node's loopback device, from the
/// zone of the newest snapshot that has been applied. Compiling it keeps no pass over the kernel waiting.
/// </summary>
internal sealed partial class NodeDns(AgentOptions options, NodeConfig config, NodeFlow flow, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private DnsServer? _server;

    /// <summary>Serves from now on; an address that is not there yet is waited for.</summary>
    public void Start()
    {
        _server = new DnsServer(new DnsServerOptions(Upstreams(), config.DnsAddresses, LogLine));
        _running.Add(FollowAsync(_server));
        _running.Add(ServeAsync(_server));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        if (_server is not null)
            await _server.DisposeAsync();
        _stop.Dispose();
    }

    private IReadOnlyList<IPEndPoint> Upstreams()
    {
        const string resolvConf = "/etc/resolv.conf";
        if (!options.DnsUpstreams.IsEmpty)
            return [.. options.DnsUpstreams];
        try
        {
            return DnsServerOptions.ReadUpstreams(File.ReadAllText(resolvConf), [.. config.DnsAddresses]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogLine($"{resolvConf} cannot be read ({e.Message}): names outside the cluster are refused; name servers for them can be given with --dns-upstream");
            return [];
        }
    }

    /// <summary>Recompiles when what the zone is made of has changed: most passes are about other things.</summary>
    private async Task FollowAsync(DnsServer server)
    {
        ClusterSnapshot? last = null;
        EquatableArray<DnsAliases> aliases = [];
        try
        {
            for (var number = 0L; ;)
            {
                var pass = await flow.UntilAsync(p => p.Number > number, _stop.Token);
                number = pass.Number;
                var snapshot = pass.Snapshot;
                // Apart from the zone, which is large and changes for other reasons than containers that come and go.
                if (AliasCompiler.Compile(snapshot) is var compiled && compiled != aliases)
                    server.UpdateAliases(aliases = compiled);
                if (last is not null && ReferenceEquals(last.Services, snapshot.Services) && ReferenceEquals(last.EndpointSlices, snapshot.EndpointSlices)
                    && ReferenceEquals(last.Namespaces, snapshot.Namespaces))
                    continue;
                server.Update(DnsCompiler.Compile(config, snapshot));
                last = snapshot;
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private async Task ServeAsync(DnsServer server)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(10));
        try
        {
            foreach (var address in config.DnsAddresses)
            {
                while (TryServe(server, address) is { } problem)
                {
                    LogLine($"cannot serve {address}: {problem}; trying again");
                    await Task.Delay(backoff.Next(), _stop.Token);
                }
                backoff.Reset();
            }
            await server.DetectLoopAsync();
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private static string? TryServe(DnsServer server, IPAddress address)
    {
        try
        {
            server.Serve(DnsServer.Bind(address));
            return null;
        }
        catch (SocketException e)
        {
            return e.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    private partial void LogLine(string line);
}
