using System.Net;
using System.Text.Json;
using Weft.Primitives;
using static Weft.Wire.Cni.JsonFields;

namespace Weft.Wire.Cni;

/// <summary>
/// Reads a result of any version (SPEC.md 1.1.0 section 5, "ADD Success"): prevResult, and what a delegated plugin prints. The shapes from 0.3.0 on
/// differ only in fields that one version has and another lacks, so reading one and writing it in another version converts it.
/// </summary>
internal static class CniResultReader
{
    public static CniResult Read(JsonElement element, string path)
    {
        RequireKind(element, JsonValueKind.Object, path, "an object");
        return new CniResult(
            ReadArray(element, path, "interfaces", ReadInterface),
            ReadArray(element, path, "ips", ReadIp),
            ReadArray(element, path, "routes", ReadRoute),
            ReadDns(element, Join(path, "dns"), "dns"));
    }

    /// <param name="path">Of the object itself, for messages.</param>
    public static CniDns ReadDns(JsonElement parent, string path, string field)
    {
        if (!TryGet(parent, field, out var element))
            return CniDns.Empty;
        RequireKind(element, JsonValueKind.Object, path, "an object");
        return new CniDns(
            ReadNameservers(element, path, "nameservers"),
            OptionalString(element, "domain", path),
            ReadArray(element, path, "search", ReadText),
            ReadArray(element, path, "options", ReadText));
    }

    public static EquatableArray<string> ReadNameservers(JsonElement element, string path, string field)
    {
        var servers = ReadArray(element, path, field, ReadText);
        foreach (var server in servers)
            if (!IPAddress.TryParse(server, out _))
                throw Invalid($"{path}.{field}: '{Shorten(server)}' is not an IP address");
        return servers;
    }

    // Plugins write "" for what does not apply (CNI's own Go types do so for mac and sandbox before 1.0.0).
    private static CniInterface ReadInterface(JsonElement e, string path) => new(
        RequiredString(e, "name", path), NotEmpty(OptionalString(e, "mac", path)), NotEmpty(OptionalString(e, "sandbox", path)), OptionalInt(e, "mtu", path))
    {
        SocketPath = NotEmpty(OptionalString(e, "socketPath", path)),
        PciId = NotEmpty(OptionalString(e, "pciID", path)),
    };

    private static CniIp ReadIp(JsonElement e, string path)
    {
        var text = RequiredString(e, "address", path);
        if (!TryParseInterfaceAddress(text, out var address, out var length))
            throw Invalid($"{path}.address: '{Shorten(text)}' is not an address with a prefix length, such as 10.244.1.5/32");
        return new CniIp(address, length, OptionalAddress(e, "gateway", path), OptionalInt(e, "interface", path));
    }

    internal static CniRoute ReadRoute(JsonElement e, string path)
    {
        var text = RequiredString(e, "dst", path);
        if (!text.Contains('/') || !IpPrefix.TryParse(text, strict: false, out var prefix))
            throw Invalid($"{path}.dst: '{Shorten(text)}' is not an address prefix, such as 0.0.0.0/0");
        return new CniRoute(prefix, OptionalAddress(e, "gw", path), OptionalInt(e, "mtu", path))
        {
            AdvertisedMss = OptionalInt(e, "advmss", path),
            Priority = OptionalInt(e, "priority", path),
            Table = OptionalUInt(e, "table", path),
            Scope = OptionalInt(e, "scope", path, most: byte.MaxValue),
        };
    }

    // Table numbers have 32 bits (rtnetlink(7), RTA_TABLE).
    private static uint? OptionalUInt(JsonElement e, string field, string path) => (uint?)OptionalNumber(e, field, path, 0, uint.MaxValue);

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
