using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Security;

namespace Weft.KubeApi.Rest;

/// <summary>
/// Questions about users (authentication.k8s.io, authorization.k8s.io): answered, never stored. Whoever is authenticated may do
/// everything, and the answers say so.
/// </summary>
internal sealed class ReviewHandler(TokenAuthority tokens)
{
    public async Task<bool> TryHandleAsync(HttpContext http, string path, UserInfo user)
    {
        var parts = path.Trim('/').Split('/');
        if (parts is not ["apis", "authentication.k8s.io" or "authorization.k8s.io", "v1", ..])
            return false;
        if (http.Request.Method != "POST")
            throw StatusErrors.MethodNotAllowed();
        var body = await BodyReader.ReadObjectAsync(http.Request, http.RequestAborted);
        body["apiVersion"] = $"{parts[1]}/v1";
        body["metadata"] ??= new JsonObject { ["creationTimestamp"] = null };
        body["status"] = parts[^1] switch
        {
            "selfsubjectaccessreviews" or "subjectaccessreviews" or "localsubjectaccessreviews" => new JsonObject
            {
                ["allowed"] = true, ["reason"] = "this API server grants every authenticated user everything",
            },
            "selfsubjectrulesreviews" => Rules(),
            "selfsubjectreviews" => new JsonObject { ["userInfo"] = Describe(user) },
            "tokenreviews" => Token(Json.Text(body["spec"]?["token"]) ?? ""),
            _ => throw StatusErrors.NoSuchPath(),
        };
        await HttpJson.WriteAsync(http, 201, body);
        return true;
    }

    private JsonObject Token(string token) => tokens.Authenticate(token) is { } user
        ? new JsonObject { ["authenticated"] = true, ["user"] = Describe(user) }
        : new JsonObject { ["authenticated"] = false, ["error"] = "the token is not known, has expired or its service account is gone" };

    private static JsonObject Describe(UserInfo user)
    {
        var info = new JsonObject { ["username"] = user.Name, ["groups"] = Json.Strings(user.Groups) };
        if (user.Uid.Length > 0)
            info["uid"] = user.Uid;
        return info;
    }

    private static JsonObject Rules() => new()
    {
        ["resourceRules"] = new JsonArray(new JsonObject
        {
            ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*"),
        }),
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
        ["incomplete"] = false,
    };
}
