using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weft.Agent.Flow;
using Weft.Agent.Garbage;
using Weft.Model.Tables;
using Weft.Store;

namespace Weft.Agent.Admin;

/// <summary>
/// The agent's health, tables and metrics over HTTP on a Unix socket (mode 0600): <c>/healthz</c>, <c>/readyz</c>, <c>/tables/NAME</c>,
/// <c>/metrics</c>, <c>/ipam/NAME</c>. It reads and changes nothing, but for <c>POST /ipam/release/ADDRESS</c>.
/// </summary>
internal sealed class AdminServer(string socketPath, ClusterStore store, NodeFlow flow, AgentTables tables, GarbageCollector garbage, IpamAdmin ipam)
{
    /// <exception cref="IOException">The socket cannot be made.</exception>
    public async Task<IAsyncDisposable> StartAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(socketPath)!);
        UnixSocketFile.RequireFree(socketPath);
        File.Delete(socketPath);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.ListenUnixSocket(socketPath));
        builder.Services.AddLogging(l => l.ClearProviders());
        var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(cancel);
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return app;
    }

    /// <summary>Why the node's network is not as desired; empty when it is.</summary>
    public IReadOnlyList<string> Problems()
    {
        if (!store.Synced.IsCompleted)
            return [$"waiting for the API server: {string.Join(", ", store.Unsynced)}"];
        return flow.Latest is { } pass
            ? [.. pass.Report.Failures.Select(f => $"{f.Object}: {f.Operation}: {f.Error}")]
            : ["the first pass over the kernel is not over"];
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == "/healthz")
            await WriteAsync(context, 200, "ok\n");
        else if (path == "/readyz")
            await ReadyAsync(context);
        else if (path == "/metrics")
            await WriteAsync(context, 200, Metrics());
        else if (path.StartsWith("/tables/", StringComparison.Ordinal) && tables.Find(path["/tables/".Length..]) is { } table)
            await WriteAsync(context, 200, ShowTableJson.Write(table).ToJsonString(), "application/json");
        else if (path.StartsWith("/ipam/release/", StringComparison.Ordinal) && HttpMethods.IsPost(context.Request.Method))
            await ReleaseAsync(context, path["/ipam/release/".Length..]);
        else if (path.StartsWith("/ipam/", StringComparison.Ordinal) && ipam.Find(path["/ipam/".Length..]) is { } addresses)
            await WriteAsync(context, 200, ShowTableJson.Write(addresses).ToJsonString(), "application/json");
        else
            await WriteAsync(context, 404, $"no {path}; there are /healthz, /readyz, /metrics and /tables/ followed by one of {string.Join(", ", AgentTables.Names)}\n");
    }

    private async Task ReleaseAsync(HttpContext context, string address)
    {
        var (released, text) = await ipam.ReleaseAsync(address, context.Request.Query.ContainsKey("force"), context.RequestAborted);
        await WriteAsync(context, released ? 200 : 409, text + "\n");
    }

    private async Task ReadyAsync(HttpContext context)
    {
        var problems = Problems();
        await WriteAsync(context, problems.Count == 0 ? 200 : 503, problems.Count == 0 ? "ok\n" : string.Join('\n', problems) + "\n");
    }

    private string Metrics()
    {
        var text = new StringBuilder();
        var snapshot = store.Current;
        Gauge("weft_store_revision", "Revision of the newest cluster snapshot.", snapshot.Revision);
        Gauge("weft_store_objects", "Objects known.", snapshot.Nodes.Count + snapshot.Namespaces.Count + snapshot.Workloads.Count + snapshot.Services.Count + snapshot.EndpointSlices.Count + snapshot.Policies.Count);
        Gauge("weft_attachments", "Interfaces given to containers on this node.", snapshot.Attachments.Count);
        if (flow.Latest is { } pass)
        {
            Gauge("weft_applied_revision", "Revision of the snapshot that the kernel was last brought in line with.", pass.Snapshot.Revision);
            Gauge("weft_passes_total", "Passes over the kernel.", pass.Number, "counter");
            Gauge("weft_compile_seconds", "Duration of the last compilation.", pass.CompileTime.TotalSeconds);
            Gauge("weft_apply_seconds", "Duration of the last application to the kernel.", pass.ApplyTime.TotalSeconds);
            Gauge("weft_failures", "Kernel objects that are not as desired.", pass.Report.Failures.Count);
            Gauge("weft_absent_links", "Pods' links that their containers took along without DEL.", pass.Report.AbsentLinks.Count);
            Gauge("weft_diagnostics", "API objects that could not be acted on as written.", pass.Desired.Diagnostics.Count);
        }
        Reasons("weft_ipam_collected_total", "Leaked addresses freed since the agent started.", "counter", garbage.Collected);
        Reasons("weft_ipam_suspects", "Addresses kept although something says that their holder is gone.", "gauge",
            [.. garbage.Suspects.GroupBy(s => s.Reason).Select(g => (g.Key, (long)g.Count()))]);
        return text.ToString();

        void Reasons(string name, string help, string type, IReadOnlyList<(string Reason, long Count)> values)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
            foreach (var (reason, count) in values)
                text.Append(CultureInfo.InvariantCulture, $"{name}{{reason=\"{reason}\"}} {count}\n");
        }

        void Gauge(string name, string help, double value, string type = "gauge") => text.Append(
            CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value}\n");
    }

    private static async Task WriteAsync(HttpContext context, int status, string text, string type = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        await context.Response.WriteAsync(text);
    }
}
