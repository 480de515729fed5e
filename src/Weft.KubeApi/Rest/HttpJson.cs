using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Weft.KubeApi.Rest;

/// <summary>Responses that are one JSON document.</summary>
internal static class HttpJson
{
    public const string MediaType = "application/json";

    public static Task WriteAsync(HttpContext http, int code, JsonNode body, string mediaType = MediaType) =>
        WriteAsync(http, code, Json.ToUtf8(body), mediaType);

    public static async Task WriteAsync(HttpContext http, int code, byte[] body, string mediaType = MediaType)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = mediaType;
        http.Response.ContentLength = body.Length;
        http.Response.Headers.CacheControl = "no-cache, private";
        await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>RFC 7234 warnings, as kubectl prints them.</summary>
    public static void AddWarnings(HttpContext http, RequestContext context)
    {
        foreach (var warning in context.Warnings.Take(100))
        {
            var text = warning.Replace("\\", "\\\\").Replace("\"", "\\\"");
            http.Response.Headers.Append("Warning", $"299 - \"{new string(text.Where(c => c is >= ' ' and < (char)127).ToArray())}\"");
        }
    }
}
