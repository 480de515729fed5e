using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Model;

namespace Weft.Agent;

/// <summary>Placeholder until the DNS room lands.</summary>
internal sealed class NodeDns(AgentOptions options, NodeConfig config, NodeKernel kernel, NodeFlow flow, ILogger logger) : IAsyncDisposable
{
    public void Start() => _ = (options, config, kernel, flow, logger);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
