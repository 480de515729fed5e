using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Kernel.Namespaces;

namespace Weft.Drill;

/// <summary>
/// What a container runtime does around the plugin: namespaces, configuration, results kept for later calls, repetition of what failed, and GC with
/// the list of attachments it knows.
/// </summary>
internal sealed class DrillRuntime(DrillNode node, PluginCall plugin, DrillReport report)
{
    private const int TryAgainLater = 11;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string[] Networks = ["drill-a", "drill-b"];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DrilledContainer> _known = new(StringComparer.Ordinal);
    private readonly List<DrilledContainer> _abandoned = [];
    private readonly AddressLedger _ledger = new(report.Violation);
    private readonly SemaphoreSlim _collecting = new(1);
    private Task _open = Task.CompletedTask;

    public int MostAddressesAtOnce => _ledger.MostAtOnce;

    public static JsonObject Configuration(int network, string agentSocket) => new()
    {
        ["cniVersion"] = "1.1.0",
        ["name"] = Networks[network],
        ["type"] = "weft-cni",
        ["agentSocket"] = agentSocket,
    };

    /// <summary>Containers that the runtime forgot and no GC has been told of since.</summary>
    public IReadOnlyList<DrilledContainer> Abandoned
    {
        get
        {
            lock (_gate)
                return [.. _abandoned];
        }
    }

    /// <returns>Null when the container came to nothing and was cleaned up.</returns>
    public async Task<DrilledContainer?> AttachAsync(AttachmentPlan plan, CancellationToken cancel)
    {
        var container = new DrilledContainer(plan);
        NetNamespace.Create(container.Id).Dispose();
        if (plan.Pod)
            container.PodUid = await CreatePodAsync(container, cancel);
        await AdmitAsync(container, cancel);
        var limit = DateTime.UtcNow + Patience;
        for (var attempt = 0; ; attempt++)
        {
            var result = await plugin.RunAsync(
                "ADD", container.Configuration(node.CniSocket, false), new Caller(container.Id, container.Netns, container.Args), attempt == 0 ? plan.KillAdd : null, cancel);
            if (result.Succeeded)
            {
                Note("ADD", result, attempt);
                container.Result = result.Output;
                container.Addresses = [.. result.Output!["ips"]!.AsArray().Select(ip => ((string)ip!["address"]!).Split('/')[0])];
                _ledger.Claim(container.Id, container.Addresses);
                break;
            }
            if (!Expected("ADD", container.Id, result, limit))
                return null;
            // A runtime that forgets right after its plugin was killed leaves everything to GC.
            if (result.Killed && plan.Ending is Ending.Abandon or Ending.AbandonWithoutNamespace)
                break;
            // SPEC.md section 2: what a failed ADD may have left is for DEL to remove.
            await DeleteAsync(container, attempt == 0 ? plan.KillDelete : null, withNamespace: true, cancel);
            await Task.Delay(Pause, cancel);
        }
        for (var i = 0; i < plan.Checks && container.Result is not null; i++)
            await CheckAsync(container, cancel);
        return container;
    }

    public async Task EndAsync(DrilledContainer container, CancellationToken cancel)
    {
        switch (container.Plan.Ending)
        {
            case Ending.Abandon:
                Forget(container);
                return;
            case Ending.AbandonWithoutNamespace:
                // Without its namespace nobody can use the address any more: the agent may free it before any GC.
                _ledger.Release(container.Id, container.Addresses);
                NetNamespace.Delete(container.Id);
                Forget(container);
                return;
            case Ending.NamespaceFirst:
                _ledger.Release(container.Id, container.Addresses);
                NetNamespace.Delete(container.Id);
                await DeleteAsync(container, container.Plan.KillDelete, withNamespace: false, cancel);
                break;
            case Ending.DeleteTwice:
                await DeleteAsync(container, container.Plan.KillDelete, withNamespace: true, cancel);
                await DeleteAsync(container, null, withNamespace: true, cancel);
                break;
            default:
                await DeleteAsync(container, container.Plan.KillDelete, withNamespace: true, cancel);
                break;
        }
        lock (_gate)
            _known.Remove(container.Id);
        await CleanAsync(container, cancel);
    }

    /// <summary>
    /// GC of one network. No ADD begins while it runs, since the list could not name it (SPEC.md section 2, "GC"); those under way, and every other
    /// call, go on beside it.
    /// </summary>
    public async Task CollectAsync(int network, double? killFirst, CancellationToken cancel)
    {
        await _collecting.WaitAsync(cancel);
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            List<DrilledContainer> forgotten;
            JsonArray valid;
            lock (_gate)
            {
                _open = opened.Task;
                forgotten = [.. _abandoned.Where(c => c.Plan.Network == network)];
                valid = [.. _known.Values.Where(c => c.Plan.Network == network).Select(c => new JsonObject { ["containerID"] = c.Id, ["ifname"] = "eth0" })];
            }
            foreach (var container in forgotten)
                _ledger.Release(container.Id, container.Addresses);
            var configuration = Configuration(network, node.CniSocket);
            configuration["cni.dev/valid-attachments"] = valid;
            await UntilDoneAsync("GC", "", configuration, new Caller("", "", ""), killFirst, cancel);
            lock (_gate)
                _abandoned.RemoveAll(forgotten.Contains);
            foreach (var container in forgotten)
                await CleanAsync(container, cancel);
        }
        finally
        {
            opened.SetResult();
            _collecting.Release();
        }
    }

    private async Task AdmitAsync(DrilledContainer container, CancellationToken cancel)
    {
        while (true)
        {
            Task open;
            lock (_gate)
            {
                open = _open;
                if (open.IsCompleted)
                {
                    _known.Add(container.Id, container);
                    return;
                }
            }
            await open.WaitAsync(cancel);
        }
    }

    private void Forget(DrilledContainer container)
    {
        lock (_gate)
        {
            _known.Remove(container.Id);
            _abandoned.Add(container);
        }
    }

    private async Task CheckAsync(DrilledContainer container, CancellationToken cancel) => await UntilDoneAsync(
        "CHECK", container.Id, container.Configuration(node.CniSocket, true), new Caller(container.Id, container.Netns, container.Args), null, cancel);

    private async Task DeleteAsync(DrilledContainer container, double? killFirst, bool withNamespace, CancellationToken cancel)
    {
        _ledger.Release(container.Id, container.Addresses);
        await UntilDoneAsync(
            "DEL", container.Id, container.Configuration(node.CniSocket, container.Plan.Index % 2 == 0),
            new Caller(container.Id, withNamespace ? container.Netns : "", container.Args), killFirst, cancel);
    }

    private async Task UntilDoneAsync(string command, string container, JsonObject configuration, Caller caller, double? killFirst, CancellationToken cancel)
    {
        var limit = DateTime.UtcNow + Patience;
        for (var attempt = 0; ; attempt++)
        {
            var result = await plugin.RunAsync(command, configuration, caller, attempt == 0 ? killFirst : null, cancel);
            if (result.Succeeded)
            {
                Note(command, result, attempt);
                return;
            }
            if (!Expected(command, container, result, limit))
                return;
            await Task.Delay(Pause, cancel);
        }
    }

    private void Note(string command, PluginResult result, int attempt)
    {
        report.Count($"{command} done");
        if (attempt == 0)
            report.Latencies.Add(command, result.Time);
    }

    /// <summary>Whether a failure is one that the drill caused, and is to be tried again.</summary>
    private bool Expected(string command, string container, PluginResult result, DateTime limit)
    {
        if (result.Killed)
        {
            report.Count($"{command} killed");
            return true;
        }
        report.Count($"{command} answered with {result.Code}");
        if (result.Code == TryAgainLater && DateTime.UtcNow < limit)
            return true;
        report.Violation($"{command} {container}: code {result.Code}: {result.Message}");
        return false;
    }

    private async Task<string> CreatePodAsync(DrilledContainer container, CancellationToken cancel)
    {
        var pod = await node.Api.CreateAsync("pods", DrillNode.PodNamespace, JsonNode.Parse($$$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{container.Id}}}","labels":{"app":"a{{{container.Plan.Index % 7}}}"}},
             "spec":{"nodeName":"{{{DrillNode.Name}}}","containers":[{"name":"c","image":"none"}]}}
            """)!.AsObject(), cancel);
        return (string)pod["metadata"]!["uid"]!;
    }

    private async Task CleanAsync(DrilledContainer container, CancellationToken cancel)
    {
        NetNamespace.Delete(container.Id);
        if (!container.Plan.Pod)
            return;
        try
        {
            await node.Api.DeleteAsync("pods", DrillNode.PodNamespace, container.Id, gracePeriodSeconds: 0, cancel: cancel);
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
            // The agent's garbage collection or a repetition was quicker.
        }
    }
}
