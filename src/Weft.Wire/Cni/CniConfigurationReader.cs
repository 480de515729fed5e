using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>
/// Reads a network configuration. By hand, over a JSON document: each refusal names the field's path and the value found, and the plugin
/// stays small and starts fast without a serializer.
/// </summary>
public static class CniConfigurationReader
{
    /// <summary>Longest configuration accepted, bytes.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MinMtu = 68;
    private const int MaxMtu = 65535;

    /// <summary>
    /// Fields that the specification defines or runtimes add, and Weft's own. Others are refused, which SPEC.md allows: a misspelt
    /// agentSocket must not mean the default one.
    /// </summary>
    private static readonly string[] KnownFields =
    [
        "cniVersion", "name", "type", "agentSocket", "mtu", "ipMasq", "dns", "prevResult", "runtimeConfig", "args", "capabilities", "ipam",
        "cni.dev/valid-attachments", "cni.dev/attachments",
    ];

    /// <param name="strict">False for DEL and GC: they must free what they can, whatever else the configuration says.</param>
    /// <exception cref="CniException">Codes 1, 2, 6 and 7.</exception>
    public static NetworkConfiguration Read(ReadOnlyMemory<byte> json, bool strict = true)
    {
        using var document = ParseObject(json);
        try
        {
            return Read(document.RootElement, strict);
        }
        catch (InvalidOperationException e)
        {
            // JsonElement reports half of a surrogate pair (\ud800 alone) only when the string is taken out.
            throw new CniException(CniErrorCode.DecodingFailure, "the network configuration holds a string that is not valid Unicode", inner: e);
        }
    }

    private static NetworkConfiguration Read(JsonElement root, bool strict)
    {
        var version = ReadVersion(root);
        if (strict)
            RefuseUnknownFields(root);
        var name = RequiredString(root, "name");
        if (CniNames.CheckNetworkName(name) is { } problem)
            throw Invalid($"name {problem}");
        return new NetworkConfiguration(
            version,
            name,
            RequiredString(root, "type"),
            ReadSocket(root),
            ReadMtu(root),
            OptionalBool(root, "ipMasq"),
            ReadDns(root, "dns"),
            root.TryGetProperty("prevResult", out var previous) && previous.ValueKind != JsonValueKind.Null ? ReadResult(previous, "prevResult") : null,
            ReadValidAttachments(root));
    }

    /// <summary>The version alone: all that VERSION and an error's cniVersion need.</summary>
    /// <exception cref="CniException">Code 6 when the text is no JSON object, 1 when the version is absent or not spoken.</exception>
    public static CniVersion ReadVersion(ReadOnlyMemory<byte> json)
    {
        using var document = ParseObject(json);
        try
        {
            return ReadVersion(document.RootElement);
        }
        catch (InvalidOperationException)
        {
            throw new CniException(CniErrorCode.IncompatibleVersion, "cniVersion is not valid Unicode");
        }
    }

    internal static CniResult ReadResult(JsonElement element, string path)
    {
        RequireKind(element, JsonValueKind.Object, path, "an object");
        return new CniResult(
            ReadArray(element, path, "interfaces", static (e, p) => new CniInterface(
                RequiredString(e, "name", p), OptionalString(e, "mac", p), OptionalString(e, "sandbox", p), OptionalInt(e, "mtu", p))),
            ReadArray(element, path, "ips", ReadIp),
            ReadArray(element, path, "routes", ReadRoute),
            ReadDns(element, "dns", path + "."));
    }

    private static JsonDocument ParseObject(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MaxBytes)
            throw new CniException(CniErrorCode.DecodingFailure, $"the network configuration is longer than {MaxBytes} bytes");
        if (json.Span.Trim(" \t\r\n"u8).IsEmpty)
            throw new CniException(CniErrorCode.DecodingFailure, "the network configuration on standard input is empty");
        try
        {
            var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            var found = document.RootElement.ValueKind;
            document.Dispose();
            throw new CniException(CniErrorCode.DecodingFailure, $"the network configuration is {Describe(found)}, not a JSON object");
        }
        catch (JsonException e)
        {
            throw new CniException(
                CniErrorCode.DecodingFailure,
                $"the network configuration is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}",
                inner: e);
        }
    }

    private static CniVersion ReadVersion(JsonElement root)
    {
        var supported = $"Weft speaks {string.Join(", ", CniVersions.Supported)}.";
        if (!root.TryGetProperty("cniVersion", out var element) || element.ValueKind == JsonValueKind.Null)
            throw new CniException(CniErrorCode.IncompatibleVersion, "cniVersion is missing from the network configuration", supported);
        var text = element.ValueKind == JsonValueKind.String ? element.GetString() : element.GetRawText();
        if (element.ValueKind == JsonValueKind.String && CniVersions.TryParse(text, out var version))
            return version;
        throw new CniException(CniErrorCode.IncompatibleVersion, $"cniVersion '{Shorten(text!)}' is not supported", supported);
    }

    private static void RefuseUnknownFields(JsonElement root)
    {
        foreach (var property in root.EnumerateObject())
            if (!KnownFields.Contains(property.Name))
                // SPEC.md, code 2: "The error message must contain the key and value of the unsupported field".
                throw new CniException(
                    CniErrorCode.UnsupportedField,
                    $"unsupported field '{Shorten(property.Name)}' with value {Shorten(property.Value.GetRawText())} in the network configuration");
        if (root.TryGetProperty("ipMasq", out var masquerade) && masquerade.ValueKind == JsonValueKind.False)
            throw new CniException(
                CniErrorCode.UnsupportedField,
                "unsupported field 'ipMasq' with value false: Weft always masquerades what leaves the cluster; remove the field");
        if (root.TryGetProperty("ipam", out var ipam) && ipam.ValueKind == JsonValueKind.Object && ipam.EnumerateObject().Any())
            throw new CniException(
                CniErrorCode.UnsupportedField,
                $"unsupported field 'ipam' with value {Shorten(ipam.GetRawText())}: Weft allots addresses from the node's pod CIDRs itself; remove the field");
    }

    private static string ReadSocket(JsonElement root)
    {
        var path = OptionalString(root, "agentSocket") ?? NetworkConfiguration.DefaultAgentSocket;
        if (path.Length == 0 || path[0] != '/')
            throw Invalid($"agentSocket: '{path}' is not an absolute path");
        var bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes > NetworkConfiguration.MaxSocketPathBytes)
            throw Invalid($"agentSocket: '{path}' is {bytes} bytes long; a Unix socket's path has at most {NetworkConfiguration.MaxSocketPathBytes}");
        return path;
    }

    private static int? ReadMtu(JsonElement root)
    {
        // Zero is "not set", as in other plugins' configurations.
        if (OptionalInt(root, "mtu") is not { } mtu || mtu == 0)
            return null;
        return mtu is >= MinMtu and <= MaxMtu ? mtu : throw Invalid($"mtu: {mtu} is outside {MinMtu} to {MaxMtu} bytes");
    }

    private static CniDns ReadDns(JsonElement parent, string field, string prefix = "")
    {
        if (!parent.TryGetProperty(field, out var element) || element.ValueKind == JsonValueKind.Null)
            return CniDns.Empty;
        var path = prefix + field;
        RequireKind(element, JsonValueKind.Object, path, "an object");
        var servers = ReadArray(element, path, "nameservers", ReadText);
        foreach (var server in servers)
            if (!IPAddress.TryParse(server, out _))
                throw Invalid($"{path}.nameservers: '{server}' is not an IP address");
        return new CniDns(
            servers, OptionalString(element, "domain", path), ReadArray(element, path, "search", ReadText), ReadArray(element, path, "options", ReadText));
    }

    private static EquatableArray<CniAttachmentId>? ReadValidAttachments(JsonElement root)
    {
        const string field = "cni.dev/valid-attachments";
        if (!root.TryGetProperty(field, out var element) || element.ValueKind == JsonValueKind.Null)
            return null;
        return ReadArray(root, "", field, static (e, p) => new CniAttachmentId(RequiredString(e, "containerID", p), RequiredString(e, "ifname", p)));
    }

    private static CniIp ReadIp(JsonElement e, string path)
    {
        var text = RequiredString(e, "address", path);
        // The address keeps its host bits: 10.1.0.5/24 is an address within a subnet, not a prefix.
        var slash = text.IndexOf('/');
        if (slash < 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out var address) || !IpPrefix.TryParse(text, strict: false, out var prefix))
            throw Invalid($"{path}.address: '{text}' is not an address with a prefix length, such as 10.244.1.5/32");
        return new CniIp(address, prefix.Length, OptionalAddress(e, "gateway", path), OptionalInt(e, "interface", path));
    }

    private static CniRoute ReadRoute(JsonElement e, string path)
    {
        var text = RequiredString(e, "dst", path);
        return IpPrefix.TryParse(text, strict: false, out var prefix)
            ? new CniRoute(prefix, OptionalAddress(e, "gw", path), OptionalInt(e, "mtu", path))
            : throw Invalid($"{path}.dst: '{text}' is not an address prefix, such as 0.0.0.0/0");
    }

    private static IPAddress? OptionalAddress(JsonElement parent, string field, string path)
    {
        var text = OptionalString(parent, field, path);
        if (string.IsNullOrEmpty(text))
            return null;
        return IPAddress.TryParse(text, out var address) ? address : throw Invalid($"{path}.{field}: '{text}' is not an IP address");
    }

    private static string ReadText(JsonElement e, string path)
    {
        RequireKind(e, JsonValueKind.String, path, "a string");
        return e.GetString()!;
    }

    private static EquatableArray<T> ReadArray<T>(JsonElement parent, string path, string field, Func<JsonElement, string, T> read)
    {
        if (!parent.TryGetProperty(field, out var array) || array.ValueKind == JsonValueKind.Null)
            return [];
        var name = path.Length == 0 ? field : $"{path}.{field}";
        RequireKind(array, JsonValueKind.Array, name, "a list");
        var items = new List<T>(array.GetArrayLength());
        foreach (var element in array.EnumerateArray())
        {
            var itemPath = string.Create(CultureInfo.InvariantCulture, $"{name}[{items.Count}]");
            items.Add(read(element, itemPath));
        }
        return new EquatableArray<T>([.. items]);
    }

    private static string RequiredString(JsonElement parent, string field, string path = "")
    {
        if (path.Length > 0)
            RequireKind(parent, JsonValueKind.Object, path, "an object");
        return OptionalString(parent, field, path) is { Length: > 0 } text
            ? text
            : throw Invalid($"{Join(path, field)} is missing or empty in the network configuration");
    }

    private static string? OptionalString(JsonElement parent, string field, string path = "")
    {
        if (!parent.TryGetProperty(field, out var element) || element.ValueKind == JsonValueKind.Null)
            return null;
        RequireKind(element, JsonValueKind.String, Join(path, field), "a string");
        return element.GetString();
    }

    private static bool? OptionalBool(JsonElement parent, string field)
    {
        if (!parent.TryGetProperty(field, out var element) || element.ValueKind == JsonValueKind.Null)
            return null;
        return element.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? element.GetBoolean()
            : throw Invalid($"{field}: {Shorten(element.GetRawText())} is {Describe(element.ValueKind)}; expected true or false");
    }

    private static int? OptionalInt(JsonElement parent, string field, string path = "")
    {
        if (!parent.TryGetProperty(field, out var element) || element.ValueKind == JsonValueKind.Null)
            return null;
        RequireKind(element, JsonValueKind.Number, Join(path, field), "a number");
        return element.TryGetInt32(out var value)
            ? value
            : throw Invalid($"{Join(path, field)}: {Shorten(element.GetRawText())} is not a whole number of 32 bits");
    }

    private static void RequireKind(JsonElement element, JsonValueKind kind, string path, string expected)
    {
        if (element.ValueKind != kind)
            throw Invalid($"{path}: {Shorten(element.GetRawText())} is {Describe(element.ValueKind)}; expected {expected}");
    }

    private static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..97] + "...";

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfiguration, message);
}
