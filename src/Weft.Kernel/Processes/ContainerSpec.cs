using System.Text.Json;
using System.Text.Json.Serialization;

namespace Weft.Kernel.Processes;

/// <summary>A file or directory of the host shown inside a container. A missing <paramref name="Target"/> is made, privately.</summary>
public sealed record ContainerMount(string Source, string Target, bool ReadOnly = false);

/// <summary>What <see cref="ContainerLauncher"/> turns the calling process into. Everything but the command is optional.</summary>
public sealed record ContainerSpec
{
    /// <summary>Program and arguments; a program without a slash is looked up in PATH of <see cref="Environment"/>.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The whole environment, nothing is inherited.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Path of the network namespace to enter.</summary>
    public string? NetNamespacePath { get; init; }

    /// <summary>Directory of the cgroup to join; it must exist.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>Mounts in the order given (resolv.conf, hosts, volumes).</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>
    /// An existing directory that nothing else uses. Needed when a mount's target is missing: a private copy-on-write root is
    /// built there in memory, invisible outside of the container.
    /// </summary>
    public string? ScratchDirectory { get; init; }

    /// <summary>Host name, in a UTS namespace of its own.</summary>
    public string? HostName { get; init; }

    /// <summary>Made when missing, in the same way as a mount's target. The root when absent.</summary>
    public string? WorkingDirectory { get; init; }

    public uint? UserId { get; init; }

    public uint? GroupId { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, ContainerSpecJson.Default.ContainerSpec);

    /// <exception cref="JsonException">The text is not a specification.</exception>
    public static ContainerSpec Parse(string json) =>
        JsonSerializer.Deserialize(json, ContainerSpecJson.Default.ContainerSpec) ?? throw new JsonException("a container specification cannot be null");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContainerSpec))]
internal sealed partial class ContainerSpecJson : JsonSerializerContext;
