namespace Weft.Wire.Cni;

/// <summary>
/// CNI_ARGS: "FOO=BAR;ABC=123" (SPEC.md section 2; the K8S_ keys and IgnoreUnknown are CONVENTIONS.md's, set by Kubernetes runtimes).
/// </summary>
public sealed record CniArguments(string? PodNamespace, string? PodName, string? PodUid, string? InfraContainerId)
{
    public static CniArguments None { get; } = new(null, null, null, null);

    /// <exception cref="CniException">Code 4, naming the pair that is wrong.</exception>
    public static CniArguments Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return None;
        var result = None;
        var ignoreUnknown = false;
        string? unknown = null;
        foreach (var pair in text.Split(';'))
        {
            if (pair.Length == 0)
                continue;
            var equals = pair.IndexOf('=');
            if (equals <= 0)
                throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_ARGS: '{pair}' is not a pair KEY=VALUE");
            var (key, value) = (pair[..equals], pair[(equals + 1)..]);
            switch (key)
            {
                case "K8S_POD_NAMESPACE":
                    result = result with { PodNamespace = Clean(value) };
                    break;
                case "K8S_POD_NAME":
                    result = result with { PodName = Clean(value) };
                    break;
                case "K8S_POD_UID":
                    result = result with { PodUid = Clean(value) };
                    break;
                case "K8S_POD_INFRA_CONTAINER_ID":
                    result = result with { InfraContainerId = Clean(value) };
                    break;
                case "IgnoreUnknown":
                    ignoreUnknown = value is "1" or "true" or "TRUE" or "True";
                    break;
                default:
                    unknown ??= pair;
                    break;
            }
        }
        if (unknown is not null && !ignoreUnknown)
            throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"CNI_ARGS: '{unknown}' is not known; known are K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID and K8S_POD_INFRA_CONTAINER_ID",
                "Add IgnoreUnknown=1 to have other keys ignored.");
        if (result.PodName is null != result.PodNamespace is null)
            throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"CNI_ARGS: '{text}' has only one of K8S_POD_NAMESPACE and K8S_POD_NAME; give both or neither");
        return result;
    }

    private static string? Clean(string value) => value.Length == 0 ? null : value;
}
