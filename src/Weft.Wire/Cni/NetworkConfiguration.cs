using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>An attachment that the runtime still knows: an element of <c>cni.dev/valid-attachments</c> (SPEC.md 1.1.0 section 2, "GC").</summary>
public sealed record CniAttachmentId(string ContainerId, string InterfaceName);

/// <summary>The configuration of one plugin call, from standard input (SPEC.md 1.1.0 section 3, "Execution configuration").</summary>
/// <param name="AgentSocket">Path of the agent's Unix socket.</param>
/// <param name="Mtu">Bytes; null leaves it to the agent, which knows the underlay.</param>
/// <param name="IpMasquerade">ipMasq; null leaves it to the agent.</param>
/// <param name="ValidAttachments">null when the key is absent, which is not the same as an empty list.</param>
public sealed record NetworkConfiguration(
    CniVersion Version,
    string Name,
    string Type,
    string AgentSocket,
    int? Mtu,
    bool? IpMasquerade,
    CniDns Dns,
    CniResult? PreviousResult,
    EquatableArray<CniAttachmentId>? ValidAttachments)
{
    /// <summary>What the runtime answers to the plugin's capabilities.</summary>
    public CniRuntimeConfig Runtime { get; init; } = CniRuntimeConfig.Empty;

    /// <summary>Set when <c>ipam.type</c> is weft-ipam.</summary>
    public CniIpamConfig? Ipam { get; init; }

    public const string DefaultAgentSocket = "/run/weft/cni.sock";

    /// <summary>sun_path of sockaddr_un less the terminating zero (unix(7)).</summary>
    public const int MaxSocketPathBytes = 107;
}
