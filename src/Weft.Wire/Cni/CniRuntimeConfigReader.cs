using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Weft.Primitives;
using static Weft.Wire.Cni.JsonFields;

namespace Weft.Wire.Cni;

/// <summary>
/// Reads <c>runtimeConfig</c> and <c>args.cni</c> (CNI CONVENTIONS.md). What the runtime asks for and Weft would not do is refused, as the
/// conventions say: "It should return an error if it can't act on fields that were expected or where the field values were malformed".
/// </summary>
internal static class CniRuntimeConfigReader
{
    private const string Root = "runtimeConfig";

    /// <summary>A burst that is not given: a tenth of a second's worth, but not less than one packet of the largest size that a device takes (64 KiB).</summary>
    private const long LeastDefaultBurst = 8 * 65_536;

    /// <summary>Bits: what runtimes that know no burst say for it goes up to 2^32 - 1 bytes.</summary>
    private const long MaxBurst = 8L * uint.MaxValue;

    private const int MaxAliasBytes = 253;
    private const int MaxLabelBytes = 63;

    public static CniRuntimeConfig Read(JsonElement configuration, string networkName)
    {
        var result = CniRuntimeConfig.Empty;
        if (TryGet(configuration, Root, out var root))
        {
            RequireKind(root, JsonValueKind.Object, Root, "an object");
            RefuseUnknown(root);
            result = new CniRuntimeConfig(
                ReadPortMappings(root),
                ReadBandwidth(root),
                ReadIps(root, Root),
                ReadMac(root, Root),
                ReadDns(root),
                ReadAliases(root, networkName));
        }
        return ReadArguments(configuration, result);
    }

    /// <summary>The addresses asked for and nothing else: the rest of another plugin's runtimeConfig is that plugin's affair.</summary>
    public static EquatableArray<IPAddress> ReadIpsAlone(JsonElement configuration)
    {
        var asked = CniRuntimeConfig.Empty;
        if (TryGet(configuration, Root, out var root))
        {
            RequireKind(root, JsonValueKind.Object, Root, "an object");
            asked = asked with { Ips = ReadIps(root, Root) };
        }
        return ReadArguments(configuration, asked).Ips;
    }

    /// <summary>Addresses of a comma-separated list, each with or without a prefix length (CNI_ARGS IP=).</summary>
    /// <exception cref="FormatException">The message names what is wrong.</exception>
    public static EquatableArray<IPAddress> ParseIps(IEnumerable<string> texts)
    {
        var addresses = new List<IPAddress>();
        foreach (var text in texts)
        {
            IPAddress address;
            if (!(text.Contains('/') ? TryParseInterfaceAddress(text, out address, out _) : TryParseAddress(text, out address)))
                throw new FormatException($"'{Shorten(text)}' is not an IP address, with or without a prefix length");
            if (Unusable(address) is { } reason)
                throw new FormatException($"'{Shorten(text)}' is {reason}, which no container can have");
            if (addresses.Exists(a => a.AddressFamily == address.AddressFamily))
                throw new FormatException($"'{Shorten(text)}' is a second address of its family; Weft gives a container one of each");
            addresses.Add(address);
        }
        return new EquatableArray<IPAddress>([.. addresses]);
    }

    private static void RefuseUnknown(JsonElement root)
    {
        foreach (var property in root.EnumerateObject())
        {
            var known = property.Name is "portMappings" or "bandwidth" or "ips" or "mac" or "dns" or "aliases"
                // The pod's cgroup: Weft has no use for it, and nothing goes wrong without.
                or "cgroupPath";
            if (!known && property.Value.ValueKind != JsonValueKind.Null)
                throw new CniException(
                    CniErrorCode.UnsupportedField,
                    $"unsupported field '{Root}.{Shorten(property.Name)}' with value {Shorten(property.Value.GetRawText())}",
                    "Weft's capabilities are portMappings, bandwidth, ips, mac, dns and aliases; declare no others in the configuration list.");
        }
    }

    private static EquatableArray<CniPortMapping> ReadPortMappings(JsonElement root)
    {
        var mappings = ReadArray(root, Root, "portMappings", static (e, path) =>
        {
            RequireKind(e, JsonValueKind.Object, path, "an object");
            return new CniPortMapping(
                ReadProtocol(e, path), RequiredPort(e, "hostPort", path), RequiredPort(e, "containerPort", path), OptionalAddress(e, "hostIP", path));
        });
        var seen = new HashSet<(byte, int, IPAddress?)>();
        for (var i = 0; i < mappings.Count; i++)
            if (!seen.Add((mappings[i].Protocol, mappings[i].HostPort, mappings[i].HostIp)))
                throw Invalid(string.Create(
                    CultureInfo.InvariantCulture, $"{Root}.portMappings[{i}]: hostPort {mappings[i].HostPort} is given twice for the same protocol and hostIP"));
        return mappings;
    }

    private static byte ReadProtocol(JsonElement e, string path)
    {
        var text = OptionalString(e, "protocol", path) ?? "";
        return text.ToUpperInvariant() switch
        {
            "" or "TCP" => 6,
            "UDP" => 17,
            "SCTP" => 132,
            _ => throw Invalid($"{path}.protocol: '{Shorten(text)}' is not tcp, udp or sctp"),
        };
    }

    private static int RequiredPort(JsonElement e, string field, string path) =>
        OptionalInt(e, field, path, least: 1, most: ushort.MaxValue) ?? throw Invalid($"{path}.{field} is missing");

    private static CniBandwidth? ReadBandwidth(JsonElement root)
    {
        const string path = Root + ".bandwidth";
        if (!TryGet(root, "bandwidth", out var e))
            return null;
        RequireKind(e, JsonValueKind.Object, path, "an object");
        var (ingressRate, ingressBurst) = Limit("ingress");
        var (egressRate, egressBurst) = Limit("egress");
        return ingressRate == 0 && egressRate == 0 ? null : new CniBandwidth(ingressRate, ingressBurst, egressRate, egressBurst);

        (long Rate, long Burst) Limit(string direction)
        {
            var rate = OptionalNumber(e, direction + "Rate", path, 0, long.MaxValue) ?? 0;
            var burst = OptionalNumber(e, direction + "Burst", path, 0, MaxBurst) ?? 0;
            if (rate == 0 && burst != 0)
                throw Invalid(string.Create(CultureInfo.InvariantCulture, $"{path}.{direction}Burst: {burst} without {direction}Rate limits nothing; give the rate too"));
            return (rate, rate == 0 || burst != 0 ? burst : Math.Clamp(rate / 10, LeastDefaultBurst, MaxBurst));
        }
    }

    private static EquatableArray<IPAddress> ReadIps(JsonElement parent, string path)
    {
        var texts = ReadArray(parent, path, "ips", ReadText);
        try
        {
            return ParseIps(texts);
        }
        catch (FormatException e)
        {
            throw Invalid($"{path}.ips: {e.Message}");
        }
    }

    private static ulong? ReadMac(JsonElement parent, string path)
    {
        var text = OptionalString(parent, "mac", path);
        if (string.IsNullOrEmpty(text))
            return null;
        return CniMac.TryParse(text, out var mac) ? mac : throw Invalid($"{path}.mac: '{Shorten(text)}' is not the hardware address of one device, such as c2:11:22:33:44:55");
    }

    // The capability names its lists otherwise than the configuration's dns does.
    private static CniDns? ReadDns(JsonElement root)
    {
        const string path = Root + ".dns";
        if (!TryGet(root, "dns", out var e))
            return null;
        RequireKind(e, JsonValueKind.Object, path, "an object");
        var dns = new CniDns(
            CniResultReader.ReadNameservers(e, path, "servers"), null, ReadArray(e, path, "searches", ReadText), ReadArray(e, path, "options", ReadText));
        return dns == CniDns.Empty ? null : dns;
    }

    // A list; podman gives an object of one list a network.
    private static EquatableArray<string> ReadAliases(JsonElement root, string networkName)
    {
        const string path = Root + ".aliases";
        if (!TryGet(root, "aliases", out var e))
            return [];
        var aliases = e.ValueKind == JsonValueKind.Object ? ReadArray(e, path, networkName, ReadAlias) : ReadArray(e, path, ReadAlias);
        return [.. aliases.Distinct()];
    }

    private static string ReadAlias(JsonElement e, string path)
    {
        var text = ReadText(e, path);
        if (text.Length is 0 or > MaxAliasBytes)
            throw Invalid($"{path}: '{Shorten(text)}' has {text.Length} characters; an alias has 1 to {MaxAliasBytes}");
        foreach (var label in text.Split('.'))
            if (label.Length is 0 or > MaxLabelBytes || label[0] == '-' || label[^1] == '-' || !label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
                throw Invalid($"{path}: '{Shorten(text)}' is not a DNS name: labels of 1 to {MaxLabelBytes} letters, digits, '-' and '_', not starting or ending with '-'");
        // Names are compared without case (RFC 1035 section 2.3.3).
        return text.ToLowerInvariant();
    }

    // runtimeConfig was asked for and wins; args is "optional meta-data", of which what Weft understands must be right all the same.
    private static CniRuntimeConfig ReadArguments(JsonElement configuration, CniRuntimeConfig result)
    {
        const string path = "args.cni";
        if (!TryGet(configuration, "args", out var args) || args.ValueKind != JsonValueKind.Object || !TryGet(args, "cni", out var cni))
            return result;
        RequireKind(cni, JsonValueKind.Object, path, "an object");
        return result with
        {
            Ips = result.Ips.IsEmpty ? ReadIps(cni, path) : result.Ips,
            Mac = result.Mac ?? ReadMac(cni, path),
        };
    }

    private static string? Unusable(IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
            return "a loopback address";
        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            return "the unspecified address";
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return address.IsIPv6Multicast ? "a multicast address" : address.IsIPv6LinkLocal ? "a link-local address" : address.IsIPv4MappedToIPv6 ? "an IPv4-mapped address" : null;
        var bytes = address.GetAddressBytes();
        return bytes[0] switch
        {
            0 => "of the network 0.0.0.0/8",
            127 => "a loopback address",
            >= 224 and < 240 => "a multicast address",
            >= 240 => "a reserved address",
            169 when bytes[1] == 254 => "a link-local address",
            _ => null,
        };
    }
}
