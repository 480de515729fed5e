using System.Text.Json;
using static Weft.Wire.Cni.JsonFields;

namespace Weft.Wire.Cni;

/// <summary>Reads the <c>ipam</c> section for weft-ipam. Only that section is its own: the rest belongs to the plugin that asks (SPEC.md section 4).</summary>
internal static class CniIpamReader
{
    private const string Root = "ipam";

    public static CniIpamConfig Read(JsonElement configuration, bool strict)
    {
        if (!TryGet(configuration, Root, out var ipam))
            throw Invalid("ipam is missing from the network configuration");
        RequireKind(ipam, JsonValueKind.Object, Root, "an object");
        var config = new CniIpamConfig(OptionalString(ipam, "agentSocket", Root), null, null, null, [], [], null);
        if (!strict)
            return config;
        RefuseUnknown(ipam);
        return config with
        {
            Pool = ReadPool(ipam),
            PrefixLength = OptionalInt(ipam, "prefixLength", Root, least: 1, most: 32),
            PrefixLengthIPv6 = OptionalInt(ipam, "prefixLengthIPv6", Root, least: 1, most: 128),
            Gateways = ReadGateways(ipam),
            Routes = ReadArray(ipam, Root, "routes", CniResultReader.ReadRoute),
            Dns = TryGet(ipam, "dns", out _) ? CniResultReader.ReadDns(ipam, Root + ".dns", "dns") : null,
        };
    }

    private static void RefuseUnknown(JsonElement ipam)
    {
        foreach (var property in ipam.EnumerateObject())
            if (property.Name is not ("type" or "agentSocket" or "pool" or "prefixLength" or "prefixLengthIPv6" or "gateways" or "routes" or "dns"))
                throw new CniException(
                    CniErrorCode.UnsupportedField,
                    $"unsupported field '{Root}.{Shorten(property.Name)}' with value {Shorten(property.Value.GetRawText())}",
                    "weft-ipam knows agentSocket, pool, prefixLength, prefixLengthIPv6, gateways, routes and dns.");
    }

    private static string? ReadPool(JsonElement ipam)
    {
        var pool = OptionalString(ipam, "pool", Root);
        if (string.IsNullOrEmpty(pool))
            return null;
        // The name of a cluster-wide object (RFC 1123 subdomain).
        var valid = pool.Length <= 253 && pool.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')
            && char.IsAsciiLetterOrDigit(pool[0]) && char.IsAsciiLetterOrDigit(pool[^1]);
        return valid ? pool : throw Invalid($"{Root}.pool: '{Shorten(pool)}' is not the name of an IPPool: lower-case letters, digits, '-' and '.'");
    }

    private static Primitives.EquatableArray<System.Net.IPAddress> ReadGateways(JsonElement ipam)
    {
        var gateways = ReadArray(ipam, Root, "gateways", static (e, p) => ParseAddress(ReadText(e, p), p));
        return gateways.Select(g => g.AddressFamily).Distinct().Count() == gateways.Count
            ? gateways
            : throw Invalid($"{Root}.gateways: {string.Join(", ", gateways)} has two of a family; give one");
    }
}
