using System.Buffers;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Weft.Wire.Cni;

/// <summary>Writes what a plugin prints, in the shape of the version that the configuration asks for (SPEC.md 1.1.0 section 5).</summary>
public static class CniJson
{
    // Messages quote values in single quotes; the default encoder would print them as \u0027. The output is not HTML.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Error(CniVersion version, CniException error) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("cniVersion", version.Text());
        json.WriteNumber("code", error.Code);
        json.WriteString("msg", error.Message);
        if (error.Details is { } details)
            json.WriteString("details", details);
        json.WriteEndObject();
    });

    public static byte[] Version(CniVersion version) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("cniVersion", version.Text());
        WriteStrings(json, "supportedVersions", CniVersions.Supported);
        json.WriteEndObject();
    });

    public static byte[] Result(CniVersion version, CniResult result) => Write(json => WriteResult(json, version, result));

    /// <summary>
    /// The network configuration list that runtimes read from their configuration directory (SPEC.md 1.1.0 section 1). cniVersion is one
    /// that every runtime in use accepts; those which know 1.1.0 take the highest of cniVersions.
    /// </summary>
    public static byte[] ConfigurationList(string name, string agentSocket, int? mtu = null)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options with { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", CniVersion.V100.Text());
            WriteStrings(json, "cniVersions", CniVersions.Supported);
            json.WriteString("name", name);
            json.WriteStartArray("plugins");
            json.WriteStartObject();
            json.WriteString("type", "weft-cni");
            json.WriteString("agentSocket", agentSocket);
            if (mtu is { } bytes)
                json.WriteNumber("mtu", bytes);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static void WriteResult(Utf8JsonWriter json, CniVersion version, CniResult result)
    {
        json.WriteStartObject();
        json.WriteString("cniVersion", version.Text());
        json.WriteStartArray("interfaces");
        foreach (var item in result.Interfaces)
        {
            json.WriteStartObject();
            json.WriteString("name", item.Name);
            if (item.Mac is { } mac)
                json.WriteString("mac", mac);
            if (item.Sandbox is { } sandbox)
                json.WriteString("sandbox", sandbox);
            if (version >= CniVersion.V110 && item.Mtu is { } mtu)
                json.WriteNumber("mtu", mtu);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("ips");
        foreach (var ip in result.Ips)
        {
            json.WriteStartObject();
            // 1.0.0 dropped the family: it shows in the address.
            if (version < CniVersion.V100)
                json.WriteString("version", ip.Address.AddressFamily == AddressFamily.InterNetworkV6 ? "6" : "4");
            json.WriteString("address", $"{ip.Address}/{ip.PrefixLength}");
            if (ip.Gateway is { } gateway)
                json.WriteString("gateway", gateway.ToString());
            if (ip.Interface is { } index)
                json.WriteNumber("interface", index);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("routes");
        foreach (var route in result.Routes)
        {
            json.WriteStartObject();
            json.WriteString("dst", route.Destination.ToString());
            if (route.Gateway is { } gateway)
                json.WriteString("gw", gateway.ToString());
            if (version >= CniVersion.V110 && route.Mtu is { } mtu)
                json.WriteNumber("mtu", mtu);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("dns");
        if (!result.Dns.Nameservers.IsEmpty)
            WriteStrings(json, "nameservers", result.Dns.Nameservers);
        if (result.Dns.Domain is { } domain)
            json.WriteString("domain", domain);
        if (!result.Dns.Search.IsEmpty)
            WriteStrings(json, "search", result.Dns.Search);
        if (!result.Dns.Options.IsEmpty)
            WriteStrings(json, "options", result.Dns.Options);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    internal static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
            write(json);
        return buffer.WrittenSpan.ToArray();
    }
}
