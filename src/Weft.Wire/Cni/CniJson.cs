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

    /// <summary>The capabilities of CONVENTIONS.md that Weft has.</summary>
    public static IReadOnlyList<string> Capabilities { get; } = ["portMappings", "bandwidth", "ips", "mac", "dns", "aliases"];

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

    public static byte[] Result(CniVersion version, CniResult result) => Write(json => WriteResult(json, version, result, abbreviated: false));

    /// <summary>The result of a delegated plugin, which has no interfaces (SPEC.md section 5, "Delegated plugins (IPAM)").</summary>
    public static byte[] IpamResult(CniVersion version, CniResult result) => Write(json => WriteResult(json, version, result, abbreviated: true));

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
            // What Weft does when the runtime asks for it (CONVENTIONS.md): without these, runtimes do not hand it on.
            json.WriteStartObject("capabilities");
            foreach (var capability in Capabilities)
                json.WriteBoolean(capability, true);
            json.WriteEndObject();
            if (mtu is { } bytes)
                json.WriteNumber("mtu", bytes);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static void WriteResult(Utf8JsonWriter json, CniVersion version, CniResult result, bool abbreviated)
    {
        json.WriteStartObject();
        json.WriteString("cniVersion", version.Text());
        if (!abbreviated)
            WriteInterfaces(json, version, result);
        WriteIps(json, version, result);
        WriteRoutes(json, version, result);
        WriteDns(json, result);
        json.WriteEndObject();
    }

    private static void WriteInterfaces(Utf8JsonWriter json, CniVersion version, CniResult result)
    {
        json.WriteStartArray("interfaces");
        foreach (var item in result.Interfaces)
        {
            json.WriteStartObject();
            json.WriteString("name", item.Name);
            if (item.Mac is { } mac)
                json.WriteString("mac", mac);
            if (item.Sandbox is { } sandbox)
                json.WriteString("sandbox", sandbox);
            if (version >= CniVersion.V110)
            {
                WriteNumber(json, "mtu", item.Mtu);
                if (item.SocketPath is { } socket)
                    json.WriteString("socketPath", socket);
                if (item.PciId is { } pci)
                    json.WriteString("pciID", pci);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteIps(Utf8JsonWriter json, CniVersion version, CniResult result)
    {
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
    }

    private static void WriteRoutes(Utf8JsonWriter json, CniVersion version, CniResult result)
    {
        json.WriteStartArray("routes");
        foreach (var route in result.Routes)
        {
            json.WriteStartObject();
            json.WriteString("dst", route.Destination.ToString());
            if (route.Gateway is { } gateway)
                json.WriteString("gw", gateway.ToString());
            if (version >= CniVersion.V110)
            {
                WriteNumber(json, "mtu", route.Mtu);
                WriteNumber(json, "advmss", route.AdvertisedMss);
                WriteNumber(json, "priority", route.Priority);
                WriteNumber(json, "table", route.Table);
                WriteNumber(json, "scope", route.Scope);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteDns(Utf8JsonWriter json, CniResult result)
    {
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
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
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
