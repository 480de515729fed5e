using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Watch;
using Weft.Model;
using Weft.Model.Cluster;

namespace Weft.Kubernetes.Status;

/// <summary>
/// The one way back: tells the API what a node's network came to. Objects that could not be acted on get an Event, named after what it
/// says, so that all agents together write it once; the Node gets the condition NetworkUnavailable, and loses the taint that kept pods away
/// until its agent could serve.
/// </summary>
public sealed partial class StatusWriter(ApiConnection api, string nodeName, TimeProvider time, ILogger logger)
{
    private readonly HashSet<Diagnostic> _said = [];
    private string? _saidProblem;

    /// <summary>Says what has not been said yet. Failures are logged and tried again at the next call.</summary>
    /// <param name="network">Null to leave the node as it is.</param>
    /// <param name="observed">The Node as the API has it: what it says already is not said again. Null when there is none.</param>
    public async Task WriteAsync(IReadOnlyCollection<Diagnostic> diagnostics, NodeNetwork? network, Node? observed, CancellationToken cancel)
    {
        _said.IntersectWith(diagnostics);
        try
        {
            foreach (var diagnostic in diagnostics.Where(d => !_said.Contains(d)).ToList())
            {
                await EventAsync(diagnostic, cancel);
                _said.Add(diagnostic);
            }
            if (network is null || observed is null)
                return;
            if (observed.NetworkUnavailable != network.Problem is not null || (network.Problem is not null && network.Problem != _saidProblem))
                await ConditionAsync(network.Problem, cancel);
            // The condition first: with the taint gone it is all that keeps pods away.
            if (network.Problem is null && observed.AwaitsAgent)
                await RemoveTaintAsync(cancel);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            LogFailed(e.Message);
        }
    }

    private async Task RemoveTaintAsync(CancellationToken cancel)
    {
        var path = $"api/v1/nodes/{nodeName}";
        var node = await api.GetAsync(path, ApiJson.Default.ApiNode, cancel);
        var taints = node.Spec?.Taints ?? [];
        var kept = taints.Where(t => t.Key != AgentTaint.Key).ToList();
        if (kept.Count == taints.Count)
            return;
        await api.MergePatchAsync(
            path, new ApiNodeTaintPatch(new ApiVersionWritten(node.Metadata?.ResourceVersion ?? ""), new ApiNodeTaintSpec(kept)), ApiJson.Default.ApiNodeTaintPatch, cancel);
        LogOpened(nodeName);
    }

    private async Task EventAsync(Diagnostic diagnostic, CancellationToken cancel)
    {
        var (kind, ns, name) = Reference(diagnostic.Object);
        var now = time.GetUtcNow();
        var digest = System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(diagnostic.ToString())))[..16];
        var eventNamespace = ns.Length > 0 ? ns : "default";
        var message = new ApiEvent
        {
            Metadata = new ApiMetadataWritten($"{name}.{digest}", eventNamespace),
            InvolvedObject = new ApiInvolvedObject(VersionOf(kind), kind, ns.Length > 0 ? ns : null, name, null),
            Reason = "NotUnderstood",
            Message = diagnostic.ToString(),
            Type = "Warning",
            Source = new ApiEventSource("weft-agent", nodeName),
            FirstTimestamp = now,
            LastTimestamp = now,
        };
        try
        {
            await api.PostAsync($"api/v1/namespaces/{eventNamespace}/events", message, ApiJson.Default.ApiEvent, cancel);
        }
        catch (ApiException e) when (e.Code is 409 or 404)
        {
            // 409: another agent said it. 404: the namespace is gone, and the object with it.
        }
    }

    private async Task ConditionAsync(string? problem, CancellationToken cancel)
    {
        // Seconds: metav1.Time has no finer grain.
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var condition = problem is null
            ? new ApiNodeCondition("NetworkUnavailable", "False", "WeftIsUp", "Routes, Services and policy are in force", now, now)
            : new ApiNodeCondition("NetworkUnavailable", "True", "WeftIsNotInForce", problem, now, now);
        await api.PatchAsync(
            $"api/v1/nodes/{nodeName}/status", new ApiNodeConditionPatch(new ApiNodeConditionStatus([condition])), ApiJson.Default.ApiNodeConditionPatch, cancel);
        _saidProblem = problem;
    }

    private static string VersionOf(string kind) => kind switch
    {
        "NetworkPolicy" => "networking.k8s.io/v1",
        "IPPool" or "IPBlock" => WeftApi.Version,
        _ => "v1",
    };

    // "Kind namespace/name" or "Kind name".
    private static (string Kind, string Namespace, string Name) Reference(string text)
    {
        var words = text.Split(' ', 2);
        var path = words.Length > 1 ? words[1].Split('/', 2) : [""];
        return path.Length > 1 ? (words[0], path[0], path[1]) : (words[0], "", path[0]);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "node {Node} is open to pods: its taint is gone")]
    private partial void LogOpened(string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "status: {Problem}")]
    private partial void LogFailed(string problem);
}
