using System.Buffers.Binary;
using System.Text.Json;

namespace Weft.Wire.Cni;

/// <summary>What the plugin asks of the agent: the environment, and the configuration as the runtime gave it.</summary>
/// <param name="Delegated">Another plugin asks weft-ipam for addresses.</param>
public sealed record AgentRequest(CniEnvironment Environment, ReadOnlyMemory<byte> Configuration, bool Delegated = false);

/// <summary>What the agent answers: the text for standard output (may be empty) and whether it is an error.</summary>
public sealed record AgentResponse(bool Failed, ReadOnlyMemory<byte> Output);

/// <summary>
/// The protocol on the agent's Unix socket: one request and one response a connection, each a length (32 bits, big endian) followed by
/// that many bytes of JSON. The configuration and the output are JSON documents nested as they are, so that both ends carry them unchanged.
/// </summary>
public static class AgentProtocol
{
    public const int HeaderBytes = 4;

    /// <summary>Longest frame: a configuration of the largest size and its surroundings.</summary>
    public const int MaxFrameBytes = 2 << 20;

    private const int Version = 1;

    /// <summary>Length of the frame's body.</summary>
    /// <exception cref="CniException">Code 6: the length is zero or beyond the limit, so this is not our protocol.</exception>
    public static int ReadHeader(ReadOnlySpan<byte> header)
    {
        var length = BinaryPrimitives.ReadUInt32BigEndian(header);
        if (length is 0 or > MaxFrameBytes)
            throw Malformed($"a frame of {length} bytes was announced; frames have 1 to {MaxFrameBytes}");
        return (int)length;
    }

    public static byte[] Write(AgentRequest request) => Frame(CniJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteString("command", request.Environment.Command.Text());
        json.WriteString("containerId", request.Environment.ContainerId);
        json.WriteString("netns", request.Environment.Netns);
        json.WriteString("ifname", request.Environment.InterfaceName);
        json.WriteString("args", request.Environment.Args);
        if (request.Delegated)
            json.WriteBoolean("delegated", true);
        json.WritePropertyName("config");
        // The plugin has parsed it by now, so it is known to be one JSON value.
        json.WriteRawValue(request.Configuration.Span, skipInputValidation: true);
        json.WriteEndObject();
    }));

    public static byte[] Write(AgentResponse response) => Frame(CniJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteBoolean("failed", response.Failed);
        if (!response.Output.IsEmpty)
        {
            json.WritePropertyName("output");
            json.WriteRawValue(response.Output.Span, skipInputValidation: true);
        }
        json.WriteEndObject();
    }));

    /// <summary>Reads a request's body. The environment is not validated yet: the server answers that with code 4.</summary>
    /// <exception cref="CniException">Code 6.</exception>
    public static AgentRequest ReadRequest(ReadOnlyMemory<byte> body)
    {
        using var document = Parse(body);
        return Take(document.RootElement, ReadRequest);
    }

    private static AgentRequest ReadRequest(JsonElement root)
    {
        if (!CniCommands.TryParse(Text(root, "command"), out var command))
            throw Malformed($"command '{Text(root, "command")}' is not known");
        if (!root.TryGetProperty("config", out var config))
            throw Malformed("config is missing");
        var environment = new CniEnvironment(
            command, Text(root, "containerId"), Text(root, "netns"), Text(root, "ifname"), Text(root, "args"), "");
        var delegated = root.TryGetProperty("delegated", out var flag) && flag.ValueKind == JsonValueKind.True;
        return new AgentRequest(environment, System.Text.Encoding.UTF8.GetBytes(config.GetRawText()), delegated);
    }

    /// <exception cref="CniException">Code 6.</exception>
    public static AgentResponse ReadResponse(ReadOnlyMemory<byte> body)
    {
        using var document = Parse(body);
        return Take(document.RootElement, ReadResponse);
    }

    // JsonElement reports bytes that are no UTF-8, and half of a surrogate pair, only when text is taken out.
    private static T Take<T>(JsonElement root, Func<JsonElement, T> read)
    {
        try
        {
            return read(root);
        }
        catch (InvalidOperationException)
        {
            throw Malformed("it holds a string that is not valid Unicode");
        }
    }

    private static AgentResponse ReadResponse(JsonElement root)
    {
        if (!root.TryGetProperty("failed", out var failed) || failed.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            throw Malformed("failed is missing or not a boolean");
        return new AgentResponse(
            failed.GetBoolean(),
            root.TryGetProperty("output", out var output) ? System.Text.Encoding.UTF8.GetBytes(output.GetRawText()) : ReadOnlyMemory<byte>.Empty);
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            throw Malformed(e.Message);
        }
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Object
            && root.TryGetProperty("version", out var version) && version.ValueKind == JsonValueKind.Number
            && version.TryGetInt32(out var number) && number == Version)
            return document;
        document.Dispose();
        throw Malformed($"not an object of protocol version {Version}; are weft-cni and weft-agent of the same release?");
    }

    private static string Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out var element) && element.ValueKind == JsonValueKind.String ? element.GetString()! : "";

    private static byte[] Frame(byte[] body)
    {
        var frame = new byte[HeaderBytes + body.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)body.Length);
        body.CopyTo(frame, HeaderBytes);
        return frame;
    }

    private static CniException Malformed(string what) =>
        new(CniErrorCode.DecodingFailure, $"the message on the agent's socket is malformed: {what}");
}
