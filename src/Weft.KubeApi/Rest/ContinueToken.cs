using System.Text;
using System.Text.Json.Nodes;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>
/// Where a chunked list goes on: after which object, at which revision (k8s.io/apiserver/pkg/storage/continue.go). Revision -1 stands for the
/// current state, in answer to a token whose revision is forgotten.
/// </summary>
internal sealed record ContinueToken(long Revision, string Namespace, string Name)
{
    public override string ToString()
    {
        var json = new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = Revision, ["start"] = $"{Namespace}/{Name}" };
        return Convert.ToBase64String(Json.ToUtf8(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    /// <exception cref="Client.ApiStatusException">400 for anything but a token.</exception>
    public static ContinueToken Parse(string text)
    {
        try
        {
            var padded = text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '=');
            var json = Json.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(padded)));
            if (Json.Integer(json?["rv"]) is { } revision && Json.Text(json?["start"])?.Split('/') is [var ns, var name])
                return new ContinueToken(revision, ns, name);
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
        }
        throw StatusErrors.BadRequest($"continue key is not valid: {text}");
    }

    public bool IsAfter(ObjectKey key)
    {
        var order = string.CompareOrdinal(key.Namespace, Namespace);
        return order > 0 || (order == 0 && string.CompareOrdinal(key.Name, Name) > 0);
    }
}
