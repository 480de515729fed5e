using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>Repeats one probe of one run and keeps its verdict: it turns after as many equal results as the thresholds say.</summary>
internal sealed class ProbeLoop(JsonObject probe, ProbeTarget target, bool initially, TimeProvider time)
{
    private volatile bool _passing = initially;

    public bool Passing => _passing;

    /// <summary>Whether any attempt has been judged yet.</summary>
    public bool Judged { get; private set; }

    /// <param name="turned">The verdict changed, or (liveness, startup) failed: new verdict and the last message.</param>
    /// <param name="failed">One attempt failed, for events.</param>
    public async Task RunAsync(Action<bool, string> turned, Action<string> failed, CancellationToken cancel)
    {
        var period = TimeSpan.FromSeconds(Math.Max(1, probe.Int(10, "periodSeconds")));
        int good = 0, bad = 0;
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(probe.Int(0, "initialDelaySeconds")), time, cancel);
            while (!cancel.IsCancellationRequested)
            {
                var result = await Probe.RunAsync(probe, target, cancel);
                (good, bad) = result.Success ? (good + 1, 0) : (0, bad + 1);
                if (!result.Success)
                    failed(result.Message);
                Judge(result, good, bad, turned);
                await Task.Delay(period, time, cancel);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Judge(ProbeResult result, int good, int bad, Action<bool, string> turned)
    {
        bool settled = result.Success
            ? good >= Math.Max(1, probe.Int(1, "successThreshold")) : bad >= Math.Max(1, probe.Int(3, "failureThreshold"));
        if (!settled)
            return;
        bool changed = !Judged || _passing != result.Success;
        Judged = true;
        _passing = result.Success;
        if (changed || (!result.Success && bad % Math.Max(1, probe.Int(3, "failureThreshold")) == 0))
            turned(result.Success, result.Message);
    }

}
