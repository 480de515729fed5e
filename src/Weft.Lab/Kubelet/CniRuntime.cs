using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>
/// Executes CNI plugins as the spec's section 2 to 4 say: binaries from CNI_PATH, parameters in CNI_ variables, configuration on standard
/// input, result or error on standard output; ADD in order with each result handed on, DEL in reverse order.
/// </summary>
/// <param name="node">The namespace that plugins run in: the node's own.</param>
/// <param name="cacheDirectory">Results are kept here, so that DEL gets them even after a restart.</param>
internal sealed class CniRuntime(NetNamespace node, IReadOnlyList<string> path, string cacheDirectory)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Attaches; when a plugin refuses, everything is detached again.</summary>
    /// <returns>The last plugin's result.</returns>
    /// <exception cref="CniException">A plugin refused.</exception>
    public async Task<JsonObject> AddAsync(CniNetwork network, CniAttachment attachment, CancellationToken cancel)
    {
        // Written first: a crash from here on leaves a record by which the attachment is found and removed.
        Save(network, attachment, null);
        JsonObject? result = null;
        try
        {
            foreach (var plugin in network.Plugins)
                result = await ExecuteAsync("ADD", plugin, network.ConfigOf(plugin, result, attachment.CapabilityArguments), attachment, cancel);
        }
        catch
        {
            await TryDelAsync(network, attachment);
            throw;
        }

        if (result is null)
            throw new CniException($"network {network.Name}: ADD gave no result");
        Save(network, attachment, result);
        return result;
    }

    /// <exception cref="CniException">A plugin refused; the record is kept, so that it can be tried again.</exception>
    public async Task DelAsync(CniNetwork network, CniAttachment attachment, CancellationToken cancel)
    {
        var previous = network.HasAtLeast(0, 4) ? ReadRecord(attachment.ContainerId).Obj("result") : null;
        foreach (var plugin in network.Plugins.Reverse())
            await ExecuteAsync("DEL", plugin, network.ConfigOf(plugin, previous, attachment.CapabilityArguments), attachment, cancel);
        File.Delete(RecordFile(attachment.ContainerId));
    }

    /// <summary>Whether the network can take ADD requests (1.1.0; older versions have no way to ask).</summary>
    /// <exception cref="CniException">Says why not.</exception>
    public async Task StatusAsync(CniNetwork network, CancellationToken cancel)
    {
        if (!network.HasAtLeast(1, 1))
            return;
        foreach (var plugin in network.Plugins)
            await ExecuteAsync("STATUS", plugin, network.ConfigOf(plugin, null, null), null, cancel);
    }

    /// <summary>Tells plugins which attachments live, so that they free what belongs to others (1.1.0).</summary>
    public async Task GarbageCollectAsync(CniNetwork network, IEnumerable<(string ContainerId, string IfName)> valid, CancellationToken cancel)
    {
        if (!network.HasAtLeast(1, 1))
            return;
        var attachments = valid.Select(v => new JsonObject { ["containerID"] = v.ContainerId, ["ifname"] = v.IfName }).ToJsonArray();
        foreach (var plugin in network.Plugins)
        {
            var config = network.ConfigOf(plugin, null, null);
            config["cni.dev/valid-attachments"] = attachments.DeepClone();
            await ExecuteAsync("GC", plugin, config, null, cancel);
        }
    }

    /// <summary>Attachments on record, with the network they were made with.</summary>
    public IEnumerable<(CniNetwork Network, CniAttachment Attachment)> Recorded()
    {
        if (!Directory.Exists(cacheDirectory))
            yield break;
        foreach (string file in Directory.EnumerateFiles(cacheDirectory, "*.json").ToList())
        {
            var record = ReadRecord(Path.GetFileNameWithoutExtension(file));
            if (record is null || record.Obj("config") is not { } config)
            {
                // A damaged record says nothing that could be undone.
                File.Delete(file);
                continue;
            }

            yield return (CniNetwork.Parse(config.ToJsonString()), new CniAttachment(
                record.Str("containerId") ?? "", record.Str("netns") ?? "", record.Str("ifName") ?? "eth0",
                [.. record.StringMap("cniArgs")], record.Obj("capabilityArgs")));
        }
    }

    private async Task TryDelAsync(CniNetwork network, CniAttachment attachment)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await DelAsync(network, attachment, limit.Token);
        }
        catch (Exception e) when (e is CniException or OperationCanceledException)
        {
            // The record stays and the pod's removal tries again.
        }
    }

    private string RecordFile(string containerId) => Path.Combine(cacheDirectory, containerId + ".json");

    private void Save(CniNetwork network, CniAttachment attachment, JsonObject? result)
    {
        Directory.CreateDirectory(cacheDirectory);
        var arguments = new JsonObject();
        foreach (var (key, value) in attachment.Arguments)
            arguments[key] = value;
        string text = new JsonObject
        {
            ["kind"] = "cniCacheV1",
            ["networkName"] = network.Name,
            ["containerId"] = attachment.ContainerId,
            ["ifName"] = attachment.IfName,
            ["netns"] = attachment.NetNs,
            ["cniArgs"] = arguments,
            ["capabilityArgs"] = attachment.CapabilityArguments?.DeepClone(),
            ["config"] = network.ToJson(),
            ["result"] = result?.DeepClone(),
        }.ToJsonString();
        string file = RecordFile(attachment.ContainerId);
        File.WriteAllText(file + ".tmp", text);
        File.Move(file + ".tmp", file, overwrite: true);
    }

    private JsonObject? ReadRecord(string containerId)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(RecordFile(containerId))) as JsonObject;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private async Task<JsonObject?> ExecuteAsync(
        string command, JsonObject plugin, JsonObject config, CniAttachment? attachment, CancellationToken cancel)
    {
        string type = plugin.Str("type")!;
        using var process = StartPlugin(command, type, attachment);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await WriteInputAsync(process, config);
            string text = await output;
            string said = await errors;
            await process.WaitForExitAsync(limit.Token);
            return Interpret(command, type, process.ExitCode, text, said);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancel.ThrowIfCancellationRequested();
            throw new CniException($"plugin {type} {command}: no answer within {Limit.TotalSeconds:0} s");
        }
    }

    private Process StartPlugin(string command, string type, CniAttachment? attachment)
    {
        if (type.Contains('/', StringComparison.Ordinal))
            throw new CniException($"plugin type \"{type}\" holds a slash");
        string binary = path.Select(d => Path.Combine(d, type)).FirstOrDefault(File.Exists)
            ?? throw new CniException($"plugin {type} is in none of {string.Join(", ", path)}");
        var start = new ProcessStartInfo(binary)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["CNI_COMMAND"] = command;
        start.Environment["CNI_PATH"] = string.Join(':', path);
        if (attachment is not null)
        {
            start.Environment["CNI_CONTAINERID"] = attachment.ContainerId;
            start.Environment["CNI_NETNS"] = attachment.NetNs;
            start.Environment["CNI_IFNAME"] = attachment.IfName;
            start.Environment["CNI_ARGS"] = string.Join(';', attachment.Arguments.Select(a => $"{a.Key}={a.Value}"));
        }

        // A child is born in the namespace of the thread that starts it.
        return node.Run(() => Process.Start(start)) ?? throw new CniException($"plugin {binary} cannot be started");
    }

    private static async Task WriteInputAsync(Process process, JsonObject config)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(config.ToJsonString()));
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its status says why.
        }
    }

    internal static JsonObject? Interpret(string command, string type, int status, string output, string errors)
    {
        JsonObject? answer = null;
        try
        {
            answer = output.AsSpan().Trim().Length == 0 ? null : JsonNode.Parse(output) as JsonObject;
        }
        catch (JsonException)
        {
            // Reported below with the plain text.
        }

        if (status == 0)
        {
            return command != "ADD" || answer is not null
                ? answer : throw new CniException($"plugin {type} {command}: the result is no JSON object: {Shorten(output)}");
        }

        if (answer?["msg"] is not null || answer?["code"] is not null)
        {
            string details = answer.Str("details") is { Length: > 0 } d ? $": {d}" : "";
            throw new CniException($"plugin {type} {command} failed (code {answer.Int(0, "code")}): {answer.Str("msg")}{details}", answer.Int(0, "code"));
        }

        throw new CniException($"plugin {type} {command} failed with status {status}: {Shorten(output.Length > 0 ? output : errors)}");
    }

    private static string Shorten(string text) => text.Trim() is { Length: > 300 } t ? t[..300] + "…" : text.Trim();
}
