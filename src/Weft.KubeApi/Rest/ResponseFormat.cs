namespace Weft.KubeApi.Rest;

internal enum ResponseKind { Object, Table, PartialMetadata }

/// <summary>What the Accept header asks for (k8s.io/apiserver/pkg/endpoints/handlers/negotiation).</summary>
internal sealed record ResponseFormat(ResponseKind Kind, string As)
{
    private const string Supported = "application/json, application/yaml";

    public static ResponseFormat Plain { get; } = new(ResponseKind.Object, "");

    /// <summary>
    /// The first alternative that the server can make. Clients that prefer protobuf name JSON behind it and get that.
    /// </summary>
    /// <exception cref="Client.ApiStatusException">406 when none can be made.</exception>
    public static ResponseFormat Negotiate(string? accept)
    {
        if (string.IsNullOrWhiteSpace(accept))
            return Plain;
        foreach (var clause in accept.Split(','))
        {
            var parts = clause.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0 || parts[0] is not ("application/json" or "*/*" or "application/*" or "text/*" or "application/yaml"))
                continue;
            var asKind = Parameter(parts, "as");
            switch (asKind)
            {
                case null or "":
                    return Plain;
                case "Table" when Parameter(parts, "g") == "meta.k8s.io" && Parameter(parts, "v") is "v1" or "v1beta1":
                    return new ResponseFormat(ResponseKind.Table, asKind);
                case "PartialObjectMetadata" or "PartialObjectMetadataList" when Parameter(parts, "g") == "meta.k8s.io":
                    return new ResponseFormat(ResponseKind.PartialMetadata, asKind);
            }
        }
        throw StatusErrors.NotAcceptable(Supported);
    }

    private static string? Parameter(string[] parts, string name)
    {
        foreach (var part in parts)
        {
            if (part.Length > name.Length && part[name.Length] == '=' && part.StartsWith(name, StringComparison.Ordinal))
                return part[(name.Length + 1)..];
        }
        return null;
    }
}
