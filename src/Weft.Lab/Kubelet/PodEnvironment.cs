using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>Something that a container refers to is missing or wrong: it waits with CreateContainerConfigError.</summary>
internal sealed class ContainerConfigException(string message) : Exception(message);

/// <summary>What the API tells a kubelet about a pod besides its spec.</summary>
/// <param name="Services">Services of the pod's namespace and <c>default/kubernetes</c>.</param>
internal sealed record PodContext(
    JsonObject Pod, IReadOnlyList<string> PodIps, IReadOnlyList<string> HostIps, Informer ConfigMaps, Informer Secrets, IEnumerable<JsonObject> Services);

/// <summary>A container's environment variables and the expansion of <c>$(VAR)</c> in them, its command and arguments.</summary>
internal static class PodEnvironment
{
    /// <exception cref="ContainerConfigException">A ConfigMap, Secret or key that is not optional is missing.</exception>
    public static Dictionary<string, string> Of(JsonObject container, PodContext context)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        if (context.Pod.At("spec", "enableServiceLinks") is null || context.Pod.Flag("spec", "enableServiceLinks"))
            AddServices(environment, context.Services, context.Pod.Namespace());
        else
            AddServices(environment, context.Services.Where(s => s.Key() == "default/kubernetes"), context.Pod.Namespace());
        foreach (var source in container.Items("envFrom"))
            AddAll(environment, source, context);
        foreach (var variable in container.Items("env"))
        {
            string name = variable.Str("name") ?? "";
            if (variable.Obj("valueFrom") is { } from)
            {
                if (Resolve(from, container, context) is { } value)
                    environment[name] = value;
            }
            else
            {
                environment[name] = Expand(variable.Str("value") ?? "", environment);
            }
        }

        return environment;
    }

    /// <summary><c>$(NAME)</c> becomes the variable's value, <c>$$</c> a dollar sign; a reference to nothing stays as it is written.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> environment)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
            }
            else if (text[i + 1] == '$')
            {
                result.Append('$');
                i++;
            }
            else if (text[i + 1] == '(' && text.IndexOf(')', i + 2) is var end and > 0)
            {
                result.Append(environment.TryGetValue(text[(i + 2)..end], out string? value) ? value : text[i..(end + 1)]);
                i = end;
            }
            else
            {
                result.Append('$');
            }
        }

        return result.ToString();
    }

    private static void AddAll(Dictionary<string, string> environment, JsonObject source, PodContext context)
    {
        string prefix = source.Str("prefix") ?? "";
        if (source.Obj("configMapRef") is { } map)
        {
            foreach (var (key, value) in Find(context.ConfigMaps, map, context, "configmap").StringMap("data"))
                environment[prefix + key] = value;
        }

        if (source.Obj("secretRef") is { } secret)
        {
            foreach (var (key, value) in Find(context.Secrets, secret, context, "secret").StringMap("data"))
                environment[prefix + key] = Decode(value);
        }
    }

    private static string? Resolve(JsonObject from, JsonObject container, PodContext context)
    {
        if (from.Obj("fieldRef") is { } field)
            return Field(field.Str("fieldPath") ?? "", context);
        if (from.Obj("resourceFieldRef") is { } resource)
            return ResourceField(resource, container, context.Pod);
        bool isSecret = from["secretKeyRef"] is not null;
        var reference = from.Obj(isSecret ? "secretKeyRef" : "configMapKeyRef");
        if (reference is null)
            throw new ContainerConfigException("env.valueFrom names no source");
        string kind = isSecret ? "secret" : "configmap";
        string key = reference.Str("key") ?? "";
        var found = Find(isSecret ? context.Secrets : context.ConfigMaps, reference, context, kind);
        string? value = found.Str("data", key);
        if (value is null && found is not null && !reference.Flag("optional"))
            throw new ContainerConfigException($"couldn't find key {key} in {kind} {context.Pod.Namespace()}/{reference.Str("name")}");
        return isSecret && value is not null ? Decode(value) : value;
    }

    /// <summary>Null only when the reference is optional.</summary>
    private static JsonObject? Find(Informer informer, JsonObject reference, PodContext context, string kind)
    {
        string name = reference.Str("name") ?? "";
        var found = informer.Get(context.Pod.Namespace(), name);
        return found is null && !reference.Flag("optional")
            ? throw new ContainerConfigException($"{kind} \"{name}\" not found in namespace {context.Pod.Namespace()}") : found;
    }

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));

    /// <summary>A field of the downward API.</summary>
    /// <exception cref="ContainerConfigException">The path is none of the fields that the API offers.</exception>
    public static string Field(string path, PodContext context)
    {
        var pod = context.Pod;
        if (path.EndsWith("']", StringComparison.Ordinal) && path.IndexOf("['", StringComparison.Ordinal) is var at and > 0)
        {
            string key = path[(at + 2)..^2];
            return path[..at] switch
            {
                "metadata.labels" => pod.Label(key) ?? "",
                "metadata.annotations" => pod.Annotation(key) ?? "",
                _ => throw Unknown(path),
            };
        }

        return path switch
        {
            "metadata.name" => pod.Name(),
            "metadata.namespace" => pod.Namespace(),
            "metadata.uid" => pod.Uid(),
            "metadata.labels" => Lines(pod.Obj("metadata", "labels")),
            "metadata.annotations" => Lines(pod.Obj("metadata", "annotations")),
            "spec.nodeName" => pod.Str("spec", "nodeName") ?? "",
            "spec.serviceAccountName" => pod.Str("spec", "serviceAccountName") ?? "default",
            "status.podIP" => context.PodIps is [var ip, ..] ? ip : "",
            "status.podIPs" => string.Join(',', context.PodIps),
            "status.hostIP" => context.HostIps is [var ip, ..] ? ip : "",
            "status.hostIPs" => string.Join(',', context.HostIps),
            _ => throw Unknown(path),
        };
    }

    private static ContainerConfigException Unknown(string path) => new($"fieldPath \"{path}\" is not supported by the downward API");

    private static string Lines(JsonObject? map) => string.Join('\n', map.StringMap().OrderBy(p => p.Key, StringComparer.Ordinal)
        .Select(p => $"{p.Key}=\"{p.Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));

    public static string ResourceField(JsonObject reference, JsonObject container, JsonObject pod)
    {
        var source = reference.Str("containerName") is { Length: > 0 } name
            ? pod.Items("spec", "containers").FirstOrDefault(c => c.Str("name") == name) ?? container : container;
        var parts = (reference.Str("resource") ?? "").Split('.', 2);
        decimal value = parts.Length == 2 ? Quantities.Parse(source.At("resources", parts[0], parts[1])) : 0;
        decimal divisor = Quantities.Parse(reference["divisor"]);
        return Math.Ceiling(value / (divisor == 0 ? 1 : divisor)).ToString("0", CultureInfo.InvariantCulture);
    }

    /// <summary>The variables of services (docker link style) that every container gets.</summary>
    private static void AddServices(Dictionary<string, string> environment, IEnumerable<JsonObject> services, string ns)
    {
        foreach (var service in services.OrderBy(s => s.Namespace() == ns ? 1 : 0))
        {
            if (service.Str("spec", "clusterIP") is not { Length: > 0 } ip || ip == "None")
                continue;
            string prefix = service.Name().ToUpperInvariant().Replace('-', '_');
            environment[prefix + "_SERVICE_HOST"] = ip;
            bool first = true;
            foreach (var port in service.Items("spec", "ports"))
            {
                string number = port.Int(0, "port").ToString(CultureInfo.InvariantCulture);
                string protocol = port.Str("protocol") ?? "TCP";
                string url = $"{protocol.ToLowerInvariant()}://{(ip.Contains(':') ? $"[{ip}]" : ip)}:{number}";
                if (first)
                {
                    environment[prefix + "_SERVICE_PORT"] = number;
                    environment[prefix + "_PORT"] = url;
                    first = false;
                }

                if (port.Str("name") is { Length: > 0 } name)
                    environment[$"{prefix}_SERVICE_PORT_{name.ToUpperInvariant().Replace('-', '_')}"] = number;
                string link = $"{prefix}_PORT_{number}_{protocol}";
                environment[link] = url;
                environment[link + "_PROTO"] = protocol.ToLowerInvariant();
                environment[link + "_PORT"] = number;
                environment[link + "_ADDR"] = ip;
            }
        }
    }
}
