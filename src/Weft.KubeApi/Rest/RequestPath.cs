namespace Weft.KubeApi.Rest;

/// <summary>
/// A request's place in the API: <c>/api/v1/namespaces/default/pods/web/log</c> and its kin
/// (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).
/// </summary>
/// <param name="Namespace">Null when the path names none.</param>
/// <param name="Name">Null for a collection.</param>
internal sealed record RequestPath(string Group, string Version, string Resource, string? Namespace, string? Name, string Subresource)
{
    /// <summary>False for what is not the path of a resource, such as discovery.</summary>
    public static bool TryParse(string path, out RequestPath parsed)
    {
        parsed = null!;
        var parts = path.Trim('/').Split('/');
        string group, version;
        int at;
        if (parts is ["api", var v, _, ..])
            (group, version, at) = ("", v, 2);
        else if (parts is ["apis", var g, var gv, _, ..])
            (group, version, at) = (g, gv, 3);
        else
            return false;

        var rest = parts.AsSpan(at);
        string? ns = null;
        // "namespaces/x" is the object, "namespaces/x/pods" is a scope, unless what follows is a part of the namespace itself.
        if (rest.Length >= 3 && rest[0] == "namespaces" && !(group.Length == 0 && rest.Length == 3 && rest[2] is "status" or "finalize"))
        {
            ns = Uri.UnescapeDataString(rest[1]);
            rest = rest[2..];
        }
        if (rest.Length > 4)
            return false;
        var name = rest.Length > 1 ? Uri.UnescapeDataString(rest[1]) : null;
        // What follows a subresource (pods/x/proxy/path) belongs to it; none that is served takes any.
        parsed = new RequestPath(group, version, rest[0], ns, name, rest.Length > 2 ? string.Join('/', rest[2..].ToArray()) : "");
        return true;
    }
}
