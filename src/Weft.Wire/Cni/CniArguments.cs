using System.Net;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>
/// CNI_ARGS: "FOO=BAR;ABC=123" (SPEC.md 1.1.0 section 2). IP is CONVENTIONS.md's, MAC what runtimes have made a habit of beside it; the K8S_ keys and
/// IgnoreUnknown are set by Kubernetes runtimes.
/// </summary>
/// <param name="PodNamespace">Null, as the next two are, unless the call is for a pod.</param>
/// <param name="Ip">As given; <see cref="Addresses"/> reads it.</param>
/// <param name="Mac">As given; <see cref="HardwareAddress"/> reads it.</param>
public sealed record CniArguments(string? PodNamespace, string? PodName, string? PodUid, string? InfraContainerId, string? Ip = null, string? Mac = null)
{
    /// <summary>Longest value of CNI_ARGS accepted, characters.</summary>
    public const int MaxLength = 16_384;

    private const int MaxNameLength = 253;
    private const int MaxNamespaceLength = 63;

    public static CniArguments None { get; } = new(null, null, null, null);

    /// <summary>What IP asks for. Not read unless it is wanted: "If a runtime passes an equivalent key via args (...) the plugin must ignore the CNI_ARGS Field".</summary>
    /// <exception cref="CniException">Code 4.</exception>
    public EquatableArray<IPAddress> Addresses()
    {
        try
        {
            return Ip is null ? [] : CniRuntimeConfigReader.ParseIps(Ip.Split(','));
        }
        catch (FormatException e)
        {
            throw Invalid($"IP: {e.Message}");
        }
    }

    /// <summary>What MAC asks for, 48 bits; null when it asks for nothing.</summary>
    /// <exception cref="CniException">Code 4.</exception>
    public ulong? HardwareAddress() => Mac is null
        ? null
        : CniMac.TryParse(Mac, out var mac) ? mac : throw Invalid($"MAC: '{JsonFields.Shorten(Mac)}' is not the hardware address of one device, such as c2:11:22:33:44:55");

    /// <exception cref="CniException">Code 4, naming the pair that is wrong.</exception>
    public static CniArguments Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return None;
        if (text.Length > MaxLength)
            throw Invalid($"{text.Length} characters are given; at most {MaxLength} are read");
        var result = None;
        var ignoreUnknown = false;
        string? unknown = null;
        foreach (var pair in text.Split(';'))
        {
            if (pair.Length == 0)
                continue;
            var equals = pair.IndexOf('=');
            if (equals <= 0)
                throw Invalid($"'{JsonFields.Shorten(pair)}' is not a pair KEY=VALUE");
            var (key, value) = (pair[..equals], pair[(equals + 1)..]);
            if (key == "IgnoreUnknown")
                ignoreUnknown = value is "1" or "true" or "TRUE" or "True";
            else if (result.With(key, value.Length == 0 ? null : value) is { } known)
                result = known;
            else
                unknown ??= pair;
        }
        if (unknown is not null && !ignoreUnknown)
            throw Invalid(
                $"'{JsonFields.Shorten(unknown)}' is not known; known are IP, MAC, K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID and K8S_POD_INFRA_CONTAINER_ID",
                "Add IgnoreUnknown=1 to have other keys ignored.");
        return result.OfPod();
    }

    private CniArguments? With(string key, string? value) => key switch
    {
        "IP" => this with { Ip = value },
        "MAC" => this with { Mac = value },
        "K8S_POD_NAMESPACE" => this with { PodNamespace = value },
        "K8S_POD_NAME" => this with { PodName = value },
        "K8S_POD_UID" => this with { PodUid = value },
        "K8S_POD_INFRA_CONTAINER_ID" => this with { InfraContainerId = value },
        _ => null,
    };

    // podman gives the container's name as K8S_POD_NAME and no namespace: that is no pod. A namespace without a name is a mistake.
    private CniArguments OfPod()
    {
        if (PodNamespace is null)
            return this with { PodName = null, PodUid = null };
        if (PodName is null)
            throw Invalid($"K8S_POD_NAMESPACE={JsonFields.Shorten(PodNamespace)} is given without K8S_POD_NAME");
        Check("K8S_POD_NAMESPACE", PodNamespace, MaxNamespaceLength, dots: false);
        Check("K8S_POD_NAME", PodName, MaxNameLength, dots: true);
        if (PodUid is not null && (PodUid.Length > MaxNameLength || !PodUid.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')))
            throw Invalid($"K8S_POD_UID: '{JsonFields.Shorten(PodUid)}' is not the UID of an object");
        return this;
    }

    // Names of namespaces are RFC 1123 labels, those of pods RFC 1123 subdomains.
    private static void Check(string key, string value, int most, bool dots)
    {
        var valid = value.Length <= most && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1])
            && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-' || dots && c == '.');
        if (!valid)
            throw Invalid($"{key}: '{JsonFields.Shorten(value)}' is not a name that an object of Kubernetes can have");
    }

    private static CniException Invalid(string message, string? details = null) => new(CniErrorCode.InvalidEnvironment, $"CNI_ARGS: {message}", details);
}
