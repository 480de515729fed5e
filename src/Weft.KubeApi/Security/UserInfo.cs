namespace Weft.KubeApi.Security;

/// <summary>authentication.k8s.io/v1 UserInfo. Everyone who is authenticated may do everything: the server has no authorization rules.</summary>
internal sealed record UserInfo(string Name, string Uid, IReadOnlyList<string> Groups)
{
    /// <summary>In-process callers.</summary>
    public static UserInfo Server { get; } = new("system:apiserver", "", ["system:masters", "system:authenticated"]);

    public static UserInfo Administrator { get; } = new("kubernetes-admin", "", ["system:masters", "system:authenticated"]);

    public static UserInfo ServiceAccount(string ns, string name, string uid) => new(
        $"system:serviceaccount:{ns}:{name}", uid, ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"]);
}
