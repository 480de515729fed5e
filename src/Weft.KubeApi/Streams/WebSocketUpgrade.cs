using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Streams;

/// <summary>
/// The opening handshake of RFC 6455 section 4.2.2. The framework's own refuses the name that kubectl gives its port-forward tunnel, because
/// a slash may not stand in a token (RFC 7230 section 3.2.6).
/// </summary>
internal static class WebSocketUpgrade
{
    private const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

    public static async Task<WebSocket> AcceptAsync(HttpContext http, string protocol)
    {
        var upgrade = http.Features.Get<IHttpUpgradeFeature>();
        var key = http.Request.Headers.SecWebSocketKey.ToString();
        if (upgrade is not { IsUpgradableRequest: true } || key.Length == 0 || http.Request.Headers.SecWebSocketVersion != "13")
            throw StatusErrors.BadRequest("unable to upgrade: expected a WebSocket handshake of version 13 over HTTP/1.1 (RFC 6455 section 4.1)");
        var headers = http.Response.Headers;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
#pragma warning disable CA5350 // SHA-1 is what the handshake is made of; nothing secret hangs on it.
        headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
#pragma warning restore CA5350
        headers.SecWebSocketProtocol = protocol;
        var stream = await upgrade.UpgradeAsync();
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = KeepAlive });
    }
}
