using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Watch;
using Weft.Model;

namespace Weft.Kubernetes.Status;

/// <summary>
/// The one way back: tells the API what a node's network came to. Objects that could not be acted on get an Event, named after what it
/// says, so that all agents together write it once; the Node gets the condition NetworkUnavailable.
/// </summary>
public sealed partial class StatusWriter(ApiConnection api, string nodeName, TimeProvider time, ILogger logger)
{
    private readonly HashSet<Diagnostic> _said = [];
    private bool? _available;

    /// <summary>Says what has not been said yet. Failures are logged and tried again at the next call.</summary>
    public async Task WriteAsync(IReadOnlyCollection<Diagnostic> diagnostics, string? problem, CancellationToken cancel)
    {
        _said.IntersectWith(diagnostics);
        try
        {
            foreach (var diagnostic in diagnostics.Where(d => !_said.Contains(d)).ToList())
            {
                await EventAsync(diagnostic, cancel);
                _said.Add(diagnostic);
            }
            if (_available != problem is null)
                await ConditionAsync(problem, cancel);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException)
        {
            LogFailed(e.Message);
        }
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
            InvolvedObject = new ApiInvolvedObject(kind == "NetworkPolicy" ? "networking.k8s.io/v1" : "v1", kind, ns.Length > 0 ? ns : null, name, null),
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
        _available = problem is null;
    }

    // "Kind namespace/name" or "Kind name".
    private static (string Kind, string Namespace, string Name) Reference(string text)
    {
        var words = text.Split(' ', 2);
        var path = words.Length > 1 ? words[1].Split('/', 2) : [""];
        return path.Length > 1 ? (words[0], path[0], path[1]) : (words[0], "", path[0]);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "status: {Problem}")]
    private partial void LogFailed(string problem);
}
