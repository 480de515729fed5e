using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>A network configuration list (CNI spec 1.1.0, section 1).</summary>
internal sealed record CniNetwork(string Name, string Version, IReadOnlyList<JsonObject> Plugins)
{
    /// <summary>The first usable file of a directory in lexical order, which is how container runtimes pick the default network.</summary>
    /// <returns>Null when the directory holds none.</returns>
    /// <exception cref="CniException">The file that comes first cannot be used.</exception>
    public static CniNetwork? Load(string directory)
    {
        if (!Directory.Exists(directory))
            return null;
        string? file = Directory.EnumerateFiles(directory)
            .Where(f => Path.GetExtension(f) is ".conflist" or ".conf" or ".json").Order(StringComparer.Ordinal).FirstOrDefault();
        if (file is null)
            return null;
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is JsonException or IOException or CniException)
        {
            throw new CniException($"{file}: {e.Message}");
        }
    }

    /// <exception cref="CniException">A key that the spec requires is missing.</exception>
    public static CniNetwork Parse(string text)
    {
        var root = JsonNode.Parse(text) as JsonObject ?? throw new CniException("the configuration is no JSON object");
        string name = root.Str("name") ?? throw new CniException("\"name\" is missing");
        string version = root.Str("cniVersion") ?? "0.2.0";
        // A bare plugin configuration stands for a list of one (section 1, before 1.0).
        var plugins = root["plugins"] is JsonArray ? root.Items("plugins").ToList() : [root];
        if (plugins.Count == 0)
            throw new CniException("\"plugins\" is empty");
        foreach (var plugin in plugins)
        {
            if (plugin.Str("type") is null)
                throw new CniException($"network {name}: a plugin has no \"type\"");
        }

        return new CniNetwork(name, version, plugins);
    }

    public JsonObject ToJson() => new()
    {
        ["cniVersion"] = Version,
        ["name"] = Name,
        ["plugins"] = Plugins.Select(p => p.Copy()).ToJsonArray(),
    };

    public bool HasAtLeast(int major, int minor)
    {
        var parts = Version.Split('.');
        return parts.Length >= 2 && int.TryParse(parts[0], out int a) && int.TryParse(parts[1], out int b) && (a, b).CompareTo((major, minor)) >= 0;
    }

    /// <summary>What one plugin reads: its own keys with name, version, the runtime's answers to its capabilities and the result so far.</summary>
    public JsonObject ConfigOf(JsonObject plugin, JsonObject? previous, JsonObject? capabilityArguments)
    {
        var config = plugin.Copy();
        config["name"] = Name;
        config["cniVersion"] = Version;
        // "Derivation of execution configuration": capabilities is replaced by runtimeConfig with what the runtime has for them.
        var runtime = new JsonObject();
        foreach (var (capability, wanted) in plugin.Obj("capabilities") ?? [])
        {
            if (wanted is JsonValue v && v.GetValueKind() == JsonValueKind.True && capabilityArguments?[capability] is { } argument)
                runtime[capability] = argument.DeepClone();
        }

        config.Remove("capabilities");
        if (runtime.Count > 0)
            config["runtimeConfig"] = runtime;
        if (previous is not null)
            config["prevResult"] = previous.DeepClone();
        return config;
    }
}

/// <summary>A plugin or its configuration refused; the message names the plugin, the code and what it said.</summary>
internal sealed class CniException(string message, int code = 0) : Exception(message)
{
    /// <summary>CNI error code (section 5), 0 when there is none.</summary>
    public int Code { get; } = code;
}

/// <summary>One attachment of a container to a network.</summary>
/// <param name="NetNs">Path of the pod's namespace; empty in a DEL when it is gone.</param>
/// <param name="Arguments">CNI_ARGS in order.</param>
internal sealed record CniAttachment(
    string ContainerId, string NetNs, string IfName, IReadOnlyList<KeyValuePair<string, string>> Arguments, JsonObject? CapabilityArguments = null);
