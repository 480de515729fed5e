using System.Text;
using Weft.Agent.Cni;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

/// <summary>The bench's commands with time enough to look at one while another runs.</summary>
internal sealed class SlowOperations(SpecificationBench bench) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CniOperations _operations = new(bench.Store, bench.Attachments, bench.Network, bench.Options with { InForceTimeout = TimeSpan.FromMinutes(1) });

    public Task<AgentResponse> AddAsync() => Call(CniCommand.Add, "");

    public async Task CollectAsync() => Assert.False((await Call(CniCommand.Gc, ",\"cni.dev/valid-attachments\":[]")).Failed);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    private Task<AgentResponse> Call(CniCommand command, string more) => _operations.HandleAsync(
        new AgentRequest(
            new CniEnvironment(command, "c1", SpecificationBench.Netns, "eth0", "", ""), Encoding.UTF8.GetBytes($$"""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni"{{more}}}""")),
        _stop.Token);
}
