using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Weft.Kubernetes.Api;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Kubernetes.Watch;

/// <summary>What one reflector mirrors: where the API serves it and how an object becomes a row.</summary>
/// <param name="Name">For logs and for the store's list of sources, such as <c>pods</c>.</param>
/// <param name="Path">Such as <c>api/v1/pods</c>.</param>
/// <param name="Optional">Whether the API may not serve it at all (its CustomResourceDefinition is not installed), which is the same as having none.</param>
public sealed record Reflection<TApi, TKey, TRow>(
    string Name,
    string Path,
    JsonTypeInfo<TApi> ObjectType,
    JsonTypeInfo<ApiList<TApi>> ListType,
    Func<TRow, TKey> Key,
    Func<TApi, TRow> Convert,
    Table<TKey, TRow> Table,
    bool Optional = false)
    where TApi : class, IApiObject
    where TKey : notnull
    where TRow : class;

/// <summary>
/// Mirrors one resource into a table of the store: list, then watch from the list's version, again and again. The table always holds
/// what the API server last told; while the server is away it keeps that.
/// </summary>
public sealed partial class Reflector<TApi, TKey, TRow>(
    ApiConnection api, ClusterStore store, Reflection<TApi, TKey, TRow> what, ILogger logger)
    where TApi : class, IApiObject
    where TKey : notnull
    where TRow : class
{
    private const int PageSize = 500;

    /// <summary>An API server that starts answers 404 for custom resources it has not come to yet: what was there is kept for so long.</summary>
    private static readonly TimeSpan BelievedMissing = TimeSpan.FromSeconds(30);

    /// <summary>How often a resource that is not served is looked for.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));

    private long? _missingSince;
    private bool _filled;

    public async Task RunAsync(CancellationToken cancel)
    {
        string? version = null;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                version ??= await ListAsync(cancel);
                version = await WatchAsync(version, cancel);
                _backoff.Reset();
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (ApiException e) when (e.Code == 410)
            {
                LogExpired(what.Name, version ?? "");
                version = null;
            }
            catch (ApiException e) when (e.Code == 404 && what.Optional)
            {
                version = null;
                Missing();
                await Task.Delay(LookAgain, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or JsonException or ApiException or OperationCanceledException)
            {
                var delay = _backoff.Next();
                LogFailed(what.Name, e.Message, delay.TotalMilliseconds);
                await Task.Delay(delay, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<string> ListAsync(CancellationToken cancel)
    {
        var rows = new Dictionary<TKey, TRow>();
        string? token = null;
        string version;
        do
        {
            var query = token is null ? $"?limit={PageSize}" : $"?limit={PageSize}&continue={Uri.EscapeDataString(token)}";
            var page = await api.GetAsync(what.Path + query, what.ListType, cancel);
            foreach (var item in page.Items)
            {
                var row = what.Convert(item);
                rows[what.Key(row)] = row;
            }
            version = page.Metadata?.ResourceVersion ?? "";
            token = page.Metadata?.Continue;
        }
        while (!string.IsNullOrEmpty(token));
        what.Table.Replace(rows);
        store.MarkSynced(what.Name);
        (_filled, _missingSince) = (true, null);
        return version;
    }

    private void Missing()
    {
        var now = Stopwatch.GetTimestamp();
        if (_missingSince is null)
            LogMissing(what.Name, what.Path);
        _missingSince ??= now;
        if (_filled && Stopwatch.GetElapsedTime(_missingSince.Value, now) < BelievedMissing)
            return;
        what.Table.Replace(new Dictionary<TKey, TRow>());
        store.MarkSynced(what.Name);
        _filled = false;
    }

    // Returns the version to resume from when the server ends the stream, which it does every few minutes.
    private async Task<string> WatchAsync(string version, CancellationToken cancel)
    {
        var path = $"{what.Path}?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion={Uri.EscapeDataString(version)}";
        using var response = await api.WatchAsync(path, cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
        while (await reader.ReadLineAsync(cancel) is { } line)
        {
            if (line.Length == 0)
                continue;
            var e = JsonSerializer.Deserialize(line, ApiJson.Default.ApiWatchEvent)!;
            if (e.Type == "ERROR")
            {
                var status = e.Object.Deserialize(ApiJson.Default.ApiStatus);
                throw new ApiException(status?.Code ?? 0, status?.Message ?? line);
            }
            version = Apply(e) ?? version;
        }
        return version;
    }

    private string? Apply(ApiWatchEvent e)
    {
        if (e.Type == "BOOKMARK")
            return e.Object.Deserialize(ApiJson.Default.ApiBookmark)?.Metadata?.ResourceVersion;
        var item = e.Object.Deserialize(what.ObjectType)!;
        var row = what.Convert(item);
        if (e.Type == "DELETED")
            what.Table.Remove(what.Key(row));
        else
            what.Table.Upsert(what.Key(row), row);
        return item.Metadata?.ResourceVersion;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Resource}: version {Version} is compacted; listing again")]
    private partial void LogExpired(string resource, string version);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Resource}: the API does not serve {Path}; it is looked for again now and then")]
    private partial void LogMissing(string resource, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Resource}: {Problem}; trying again in {DelayMs:0} ms")]
    private partial void LogFailed(string resource, string problem, double delayMs);
}
