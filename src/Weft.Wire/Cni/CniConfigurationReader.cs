using System.Text;
using System.Text.Json;
using Weft.Primitives;
using static Weft.Wire.Cni.JsonFields;

namespace Weft.Wire.Cni;

/// <summary>
/// Reads a network configuration. By hand, over a JSON document: each refusal names the field's path and the value found, and the plugin
/// stays small and starts fast without a serializer.
/// </summary>
public static class CniConfigurationReader
{
    /// <summary>Longest configuration accepted, bytes.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The name under which the program answers other plugins' calls for addresses.</summary>
    public const string IpamType = "weft-ipam";

    private const int MinMtu = 68;
    private const int MaxMtu = 65535;
    private const string ValidAttachments = "cni.dev/valid-attachments";

    /// <summary>The name that drafts of GC had; runtimes of that time still send it.</summary>
    private const string OlderValidAttachments = "cni.dev/attachments";

    // A field that is given twice would be read as its last; who gave two meant one of them.
    private static readonly JsonDocumentOptions NoDuplicates = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// Fields that the specification defines or runtimes add, and Weft's own. Others are refused, which SPEC.md allows: a misspelt
    /// agentSocket must not mean the default one.
    /// </summary>
    private static readonly string[] KnownFields =
    [
        "cniVersion", "name", "type", "agentSocket", "mtu", "ipMasq", "dns", "prevResult", "runtimeConfig", "args", "capabilities", "ipam",
        ValidAttachments, OlderValidAttachments,
        // Of the list, not of a plugin; runtimes that run a single plugin's file pass them on.
        "cniVersions", "disableCheck", "disableGC", "loadOnlyInlinedPlugins",
    ];

    /// <param name="strict">False for DEL and GC: they must free what they can, whatever else the configuration says, and read no more than they need.</param>
    /// <param name="delegated">The configuration is another plugin's, which asks weft-ipam for addresses (SPEC.md section 4).</param>
    /// <exception cref="CniException">Codes 1, 2, 6 and 7.</exception>
    public static NetworkConfiguration Read(ReadOnlyMemory<byte> json, bool strict = true, bool delegated = false)
    {
        using var document = ParseObject(json, strict);
        try
        {
            return Read(document.RootElement, strict, delegated);
        }
        catch (InvalidOperationException e)
        {
            // JsonElement reports half of a surrogate pair (\ud800 alone) only when the string is taken out.
            throw new CniException(CniErrorCode.DecodingFailure, "the network configuration holds a string that is not valid Unicode", inner: e);
        }
    }

    /// <summary>The version alone: all that VERSION and an error's cniVersion need.</summary>
    /// <exception cref="CniException">Code 6 when the text is no JSON object of valid text, 1 when the version is absent or not spoken.</exception>
    public static CniVersion ReadVersion(ReadOnlyMemory<byte> json)
    {
        using var document = ParseObject(json, strict: false);
        try
        {
            return ReadVersion(document.RootElement);
        }
        catch (InvalidOperationException)
        {
            // SPEC.md section 5, code 6: "failed to decode version info from string".
            throw new CniException(CniErrorCode.DecodingFailure, "cniVersion is not valid Unicode");
        }
    }

    /// <summary>What another plugin printed as its result.</summary>
    /// <exception cref="CniException">Codes 6 and 7.</exception>
    public static CniResult ReadResult(ReadOnlyMemory<byte> json)
    {
        using var document = ParseObject(json, strict: false, "the result");
        try
        {
            return CniResultReader.Read(document.RootElement, "");
        }
        catch (InvalidOperationException e)
        {
            throw new CniException(CniErrorCode.DecodingFailure, "the result holds a string that is not valid Unicode", inner: e);
        }
    }

    private static NetworkConfiguration Read(JsonElement root, bool strict, bool delegated)
    {
        var version = ReadVersion(root);
        if (strict && !delegated)
            RefuseUnknownFields(root);
        var name = RequiredString(root, "name");
        if (CniNames.CheckNetworkName(name) is { } problem)
            throw Invalid($"name {problem}");
        var ipam = delegated || IsOurs(root) ? CniIpamReader.Read(root, strict) : null;
        var socket = ipam?.AgentSocket ?? (delegated ? null : OptionalString(root, "agentSocket"));
        var configuration = new NetworkConfiguration(
            version, name, "", ReadSocket(socket, ipam?.AgentSocket is null ? "agentSocket" : "ipam.agentSocket"), null, null, CniDns.Empty, null, ReadValidAttachments(root))
        {
            Ipam = ipam,
        };
        if (!strict)
            return configuration;
        configuration = configuration with
        {
            Type = ReadType(root),
            Dns = CniResultReader.ReadDns(root, "dns", "dns"),
            PreviousResult = TryGet(root, "prevResult", out var previous) ? CniResultReader.Read(previous, "prevResult") : null,
        };
        if (delegated)
            return configuration with { Runtime = CniRuntimeConfig.Empty with { Ips = CniRuntimeConfigReader.ReadIpsAlone(root) } };
        return configuration with
        {
            Mtu = ReadMtu(root),
            IpMasquerade = OptionalBool(root, "ipMasq"),
            Runtime = CniRuntimeConfigReader.Read(root, name),
        };
    }

    private static JsonDocument ParseObject(ReadOnlyMemory<byte> json, bool strict, string what = "the network configuration")
    {
        if (json.Length > MaxBytes)
            throw new CniException(CniErrorCode.DecodingFailure, $"{what} is longer than {MaxBytes} bytes");
        if (json.Span.Trim(" \t\r\n"u8).IsEmpty)
            throw new CniException(CniErrorCode.DecodingFailure, $"{what} is empty", "A plugin reads it from standard input.");
        try
        {
            var document = JsonDocument.Parse(json, strict ? NoDuplicates : default);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            var found = document.RootElement.ValueKind;
            document.Dispose();
            throw new CniException(CniErrorCode.DecodingFailure, $"{what} is {Describe(found)}, not a JSON object");
        }
        catch (JsonException e)
        {
            // The parser reports no position for a property that is given twice.
            var where = e.LineNumber is { } line ? $" at line {line + 1}, byte {e.BytePositionInLine + 1}" : ": a field is given twice in one object";
            throw new CniException(CniErrorCode.DecodingFailure, $"{what} is not valid JSON{where}", inner: e);
        }
        catch (InvalidOperationException e)
        {
            // Names have to be unescaped to be compared.
            throw new CniException(CniErrorCode.DecodingFailure, $"{what} holds a name that is not valid Unicode", inner: e);
        }
    }

    private static CniVersion ReadVersion(JsonElement root)
    {
        var supported = $"Weft speaks {string.Join(", ", CniVersions.Supported)}.";
        if (!TryGet(root, "cniVersion", out var element))
            throw new CniException(CniErrorCode.IncompatibleVersion, "cniVersion is missing from the network configuration", supported);
        var text = element.ValueKind == JsonValueKind.String ? element.GetString() : element.GetRawText();
        if (element.ValueKind == JsonValueKind.String && CniVersions.TryParse(text, out var version))
            return version;
        throw new CniException(CniErrorCode.IncompatibleVersion, $"cniVersion '{Shorten(text!)}' is not supported", supported);
    }

    // SPEC.md section 1: "Must not contain characters disallowed in file paths for the system".
    private static string ReadType(JsonElement root)
    {
        var type = RequiredString(root, "type");
        return type.Length <= 255 && !type.Any(c => c is '/' or '\\' || char.IsControl(c)) && type is not ("." or "..")
            ? type
            : throw Invalid($"type: '{Shorten(type)}' is not the name of a plugin's file");
    }

    private static void RefuseUnknownFields(JsonElement root)
    {
        foreach (var property in root.EnumerateObject())
            // SPEC.md section 3 reserves the keys that start with cni.dev/ to runtimes, which may add some.
            if (!KnownFields.Contains(property.Name) && !property.Name.StartsWith("cni.dev/", StringComparison.Ordinal))
                // SPEC.md, code 2: "The error message must contain the key and value of the unsupported field".
                throw new CniException(
                    CniErrorCode.UnsupportedField,
                    $"unsupported field '{Shorten(property.Name)}' with value {Shorten(property.Value.GetRawText())} in the network configuration");
        if (root.TryGetProperty("ipMasq", out var masquerade) && masquerade.ValueKind == JsonValueKind.False)
            throw new CniException(
                CniErrorCode.UnsupportedField,
                "unsupported field 'ipMasq' with value false: Weft always masquerades what leaves the cluster; remove the field");
        if (!TryGet(root, "ipam", out var ipam))
            return;
        RequireKind(ipam, JsonValueKind.Object, "ipam", "an object");
        if (ipam.EnumerateObject().Any() && !IsOurs(root))
            throw new CniException(
                CniErrorCode.UnsupportedField,
                $"unsupported field 'ipam' with value {Shorten(ipam.GetRawText())}: Weft allots addresses itself; remove the field, or write {{\"type\": \"{IpamType}\"}}");
    }

    private static bool IsOurs(JsonElement root) =>
        TryGet(root, "ipam", out var ipam) && ipam.ValueKind == JsonValueKind.Object
        && TryGet(ipam, "type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(IpamType);

    private static string ReadSocket(string? given, string field)
    {
        var path = given ?? NetworkConfiguration.DefaultAgentSocket;
        if (path.Length == 0 || path[0] != '/' || path.Contains('\0'))
            throw Invalid($"{field}: '{Shorten(path)}' is not an absolute path");
        var bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes > NetworkConfiguration.MaxSocketPathBytes)
            throw Invalid($"{field}: '{Shorten(path)}' is {bytes} bytes long; a Unix socket's path has at most {NetworkConfiguration.MaxSocketPathBytes}");
        return path;
    }

    // Zero is "not set", as in other plugins' configurations.
    private static int? ReadMtu(JsonElement root) => OptionalInt(root, "mtu", least: int.MinValue) switch
    {
        null or 0 => null,
        >= MinMtu and <= MaxMtu and var mtu => mtu,
        var mtu => throw Invalid($"mtu: {mtu} is outside {MinMtu} to {MaxMtu} bytes"),
    };

    private static EquatableArray<CniAttachmentId>? ReadValidAttachments(JsonElement root)
    {
        var field = TryGet(root, ValidAttachments, out _) ? ValidAttachments : OlderValidAttachments;
        if (!TryGet(root, field, out _))
            return null;
        return ReadArray(root, "", field, static (e, p) => new CniAttachmentId(RequiredString(e, "containerID", p), RequiredString(e, "ifname", p)));
    }
}
