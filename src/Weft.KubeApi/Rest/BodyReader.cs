using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Protobuf;
using YamlDotNet.Core;

namespace Weft.KubeApi.Rest;

/// <summary>Request bodies: JSON, YAML or the protobuf of built-in kinds, up to the size that the Kubernetes API server takes.</summary>
internal static class BodyReader
{
    private const int MaxBytes = 3 * 1024 * 1024;

    /// <summary>The media type without parameters; empty when there is none.</summary>
    public static string MediaType(HttpRequest request)
    {
        var type = request.ContentType ?? "";
        var end = type.IndexOf(';');
        return (end < 0 ? type : type[..end]).Trim();
    }

    /// <summary>Null for an empty body.</summary>
    public static async Task<JsonNode?> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        var bytes = await ReadBytesAsync(request, cancel);
        if (bytes.Length == 0)
            return null;
        var type = MediaType(request);
        if (type.Contains("cbor", StringComparison.Ordinal))
            throw StatusErrors.UnsupportedMediaType(type, $"application/json, application/yaml, {ProtobufDecoder.MediaType}");
        try
        {
            if (type == ProtobufDecoder.MediaType)
                return ProtobufDecoder.Decode(bytes);
            // YAML holds JSON: only what does not look like JSON goes the long way.
            return type.Contains("yaml", StringComparison.Ordinal) && !LooksLikeJson(bytes)
                ? YamlReader.Parse(Encoding.UTF8.GetString(bytes))
                : Json.Parse(bytes);
        }
        catch (Exception e) when (e is JsonException or YamlException or FormatException or ArgumentException or InvalidOperationException)
        {
            throw StatusErrors.BadRequest($"the body of the request cannot be decoded: {e.Message}");
        }
    }

    public static async Task<JsonObject> ReadObjectAsync(HttpRequest request, CancellationToken cancel) =>
        await ReadAsync(request, cancel) switch
        {
            JsonObject body => body,
            null => throw StatusErrors.BadRequest("the request has no body: expected an object"),
            _ => throw StatusErrors.BadRequest("the body of the request is not an object"),
        };

    private static bool LooksLikeJson(byte[] bytes)
    {
        foreach (var b in bytes)
        {
            if (b is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                continue;
            return b is (byte)'{' or (byte)'[';
        }
        return false;
    }

    private static async Task<byte[]> ReadBytesAsync(HttpRequest request, CancellationToken cancel)
    {
        while (true)
        {
            var result = await request.BodyReader.ReadAsync(cancel);
            if (result.Buffer.Length > MaxBytes)
                throw StatusErrors.TooLarge($"the body of the request is larger than {MaxBytes} bytes");
            if (result.IsCompleted)
            {
                var bytes = result.Buffer.ToArray();
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return bytes;
            }
            request.BodyReader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
