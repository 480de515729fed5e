using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Weft.KubeApi.Client;
using Weft.KubeApi.Discovery;
using Weft.KubeApi.Security;

namespace Weft.KubeApi.Rest;

/// <summary>Every request passes here: who asks, what for, and every failure as a Status.</summary>
internal sealed class HttpApi(
    TokenAuthority tokens, ResourceHandler resources, DiscoveryHandler discovery, OpenApiHandler openApi, ReviewHandler reviews)
{
    public async Task HandleAsync(HttpContext http)
    {
        // Watches and streams may be silent for as long as their object is.
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } responseRate)
            responseRate.MinDataRate = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } requestRate)
            requestRate.MinDataRate = null;
        try
        {
            await RouteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone: nobody to tell.
        }
        catch (ApiStatusException e)
        {
            await WriteErrorAsync(http, e);
        }
        catch (Exception e) when (!http.Response.HasStarted && e is not (BadHttpRequestException or IOException))
        {
            await WriteErrorAsync(http, StatusErrors.Internal($"{e.GetType().Name}: {e.Message}"));
        }
    }

    private async Task RouteAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "/";
        if (path is "/healthz" or "/livez" or "/readyz" || path.StartsWith("/livez/", StringComparison.Ordinal)
            || path.StartsWith("/readyz/", StringComparison.Ordinal) || path.StartsWith("/healthz/", StringComparison.Ordinal))
        {
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync("ok", http.RequestAborted);
            return;
        }
        if (path is "/version" or "/version/")
        {
            await HttpJson.WriteAsync(http, 200, DiscoveryHandler.Version);
            return;
        }
        var user = Authenticate(http.Request);
        if (await discovery.TryHandleAsync(http, path) || await openApi.TryHandleAsync(http, path) || await reviews.TryHandleAsync(http, path, user))
            return;
        // The resource's real name is in the path as the client escaped it.
        if (!RequestPath.TryParse(path, out var target))
            throw StatusErrors.NoSuchPath();
        await resources.HandleAsync(http, target, user);
    }

    private UserInfo Authenticate(HttpRequest request)
    {
        const string scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && tokens.Authenticate(header[scheme.Length..].Trim()) is { } user)
            return user;
        throw StatusErrors.Unauthorized();
    }

    private static async Task WriteErrorAsync(HttpContext http, ApiStatusException error)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }
        if (error.Code == 401)
            http.Response.Headers.WWWAuthenticate = "Bearer";
        if (error.Code is 429 or 503 or 504)
            http.Response.Headers.RetryAfter = "1";
        await HttpJson.WriteAsync(http, error.Code, StatusErrors.ToStatus(error));
    }
}
