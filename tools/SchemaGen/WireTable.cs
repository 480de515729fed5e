using System.Text.RegularExpressions;

namespace Weft.Tools.SchemaGen;

/// <summary>
/// Field numbers of the protobuf form of the built-in kinds, which typed Go clients (so <c>kubectl create</c>) send. They stand in the
/// struct tags of the API's Go types only; what comes out is a table of numbers, names and kinds of value.
/// </summary>
/// <remarks>
/// One line a type: <c>NAME number:field:kind ...</c>. A field named <c>.</c> is inlined in JSON. The kind is a letter of
/// <see cref="Scalars"/> or a type's name, after <c>[]</c> for lists, <c>{}</c> for maps, <c>*</c> for pointers (zero means zero),
/// <c>!</c> for values that JSON always shows.
/// </remarks>
internal sealed partial class WireTable
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
    private const string Core = "io.k8s.api.core.v1";

    /// <summary>string, bytes, integer, boolean, double, times, quantity, int-or-string, raw JSON and the unions of JSONSchemaProps.</summary>
    private static readonly Dictionary<string, string> Scalars = new()
    {
        ["string"] = "s", ["[]byte"] = "x", ["int"] = "i", ["int32"] = "i", ["int64"] = "i", ["bool"] = "b", ["float64"] = "d",
        [$"{Meta}.Time"] = "T", [$"{Meta}.MicroTime"] = "U", ["resource.Quantity"] = "Q", ["intstr.IntOrString"] = "O", ["types.UID"] = "s",
        ["runtime.RawExtension"] = "R", [$"{Meta}.FieldsV1"] = "R", ["JSON"] = "R", ["JSONSchemaPropsOrArray"] = "A",
        ["JSONSchemaPropsOrBool"] = "B", ["JSONSchemaPropsOrStringArray"] = "C",
    };

    private static readonly string[] Roots =
    [
        $"{Meta}.DeleteOptions", $"{Core}.Namespace", $"{Core}.Node", $"{Core}.Pod", $"{Core}.Service", $"{Core}.Endpoints", $"{Core}.ConfigMap",
        $"{Core}.Secret", $"{Core}.ServiceAccount", $"{Core}.Event", $"{Core}.Binding", "io.k8s.api.apps.v1.Deployment", "io.k8s.api.apps.v1.ReplicaSet",
        "io.k8s.api.apps.v1.DaemonSet", "io.k8s.api.apps.v1.StatefulSet", "io.k8s.api.apps.v1.ControllerRevision", "io.k8s.api.autoscaling.v1.Scale",
        "io.k8s.api.batch.v1.Job", "io.k8s.api.coordination.v1.Lease", "io.k8s.api.discovery.v1.EndpointSlice", "io.k8s.api.events.v1.Event",
        "io.k8s.api.networking.v1.NetworkPolicy", "io.k8s.api.networking.v1.ServiceCIDR", "io.k8s.api.networking.v1.IPAddress",
        "io.k8s.api.policy.v1.Eviction", "io.k8s.api.authentication.v1.TokenRequest", "io.k8s.api.authentication.v1.TokenReview",
        "io.k8s.api.authentication.v1.SelfSubjectReview", "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
        "io.k8s.api.authorization.v1.SubjectAccessReview", "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    ];

    private readonly Dictionary<string, List<(string Type, string Json, int Number)>> _structs = [];
    private readonly Dictionary<string, string> _aliases = [];
    private readonly SortedDictionary<string, string> _lines = new(StringComparer.Ordinal);

    /// <param name="directory">Holds api, apimachinery and apiextensions: checkouts of k8s.io's Go modules, types*.go at least.</param>
    public static IEnumerable<string> Read(string directory)
    {
        var table = new WireTable();
        foreach (var file in Directory.EnumerateFiles(directory, "types*.go", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            table.ReadFile(File.ReadAllLines(file), PackageOf(Path.GetRelativePath(directory, file).Replace('\\', '/')));
        foreach (var root in Roots)
            table.Emit(root);
        return table._lines.Values;
    }

    private static string PackageOf(string path) => path.Split('/') switch
    {
        ["api", var group, "v1", _] => $"io.k8s.api.{group}.v1",
        ["apimachinery", ..] => Meta,
        ["apiextensions", ..] => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
        _ => throw new FormatException("unexpected file " + path),
    };

    private void ReadFile(string[] lines, string package)
    {
        string? current = null;
        foreach (var line in lines)
        {
            if (StructStart().Match(line) is { Success: true } start)
            {
                var name = $"{package}.{start.Groups[1].Value}";
                _structs[name] = [];
                current = line.EndsWith('}') ? null : name;
            }
            else if (line.StartsWith('}'))
                current = null;
            else if (Alias().Match(line) is { Success: true } alias)
                _aliases[$"{package}.{alias.Groups[1].Value}"] = Qualify(alias.Groups[2].Value, package);
            else if (current is not null && Field().Match(line) is { Success: true } field)
                _structs[current].Add((Qualify(field.Groups["type"].Value, package), field.Groups["json"].Value, int.Parse(field.Groups["number"].Value)));
        }
    }

    /// <summary>Go's name of a type with its package as OpenAPI names it.</summary>
    private static string Qualify(string type, string package)
    {
        var prefix = TypePrefix().Match(type).Value;
        var name = type[prefix.Length..];
        if (name.Contains('.') || char.IsLower(name[0]))
        {
            return prefix + (name switch
            {
                _ when name.StartsWith("metav1.", StringComparison.Ordinal) => Meta + name[6..],
                _ when name.StartsWith("v1.", StringComparison.Ordinal) || name.StartsWith("corev1.", StringComparison.Ordinal) => Core + name[name.IndexOf('.')..],
                _ => name,
            });
        }
        return prefix + (name.StartsWith("JSON", StringComparison.Ordinal) && name is "JSON" or "JSONSchemaPropsOrArray" or "JSONSchemaPropsOrBool" or "JSONSchemaPropsOrStringArray"
            ? name : $"{package}.{name}");
    }

    private void Emit(string name)
    {
        if (_lines.ContainsKey(name))
            return;
        if (!_structs.TryGetValue(name, out var fields))
            throw new FormatException($"no Go struct for {name}");
        _lines[name] = "";
        var parts = new List<string> { name };
        foreach (var (type, json, number) in fields)
        {
            var options = json.Split(',');
            var inline = options[0].Length == 0;
            if (options[0] == "-" && !inline)
                continue;
            var always = !options.Contains("omitempty") && !options.Contains("omitzero") ? "!" : "";
            // Alpha groups that no kind here serves: a client that sets such a field has it ignored, as an older server would.
            if (Kind(type, always) is { } kind)
                parts.Add($"{number}:{(inline ? "." : options[0])}:{kind}");
        }
        _lines[name] = string.Join(' ', parts);
    }

    private string? Kind(string type, string always)
    {
        var pointer = type.StartsWith('*');
        if (pointer)
            type = type[1..];
        while (!Scalars.ContainsKey(type) && _aliases.TryGetValue(type, out var alias))
            type = alias;
        if (Scalars.TryGetValue(type, out var scalar))
            return (pointer ? "*" : always) + scalar;
        if (type.StartsWith("[]", StringComparison.Ordinal))
            return Kind(type[2..], "") is { } item ? "[]" + item : null;
        if (type.StartsWith("map[", StringComparison.Ordinal))
            return Kind(type[(type.IndexOf(']') + 1)..], "") is { } value ? "{}" + value : null;
        if (!type.StartsWith("io.k8s.", StringComparison.Ordinal))
            return null;
        Emit(type);
        return type;
    }

    [GeneratedRegex(@"^type (\w+) struct ?\{")]
    private static partial Regex StructStart();

    [GeneratedRegex(@"^type (\w+) ((?:\[\]|map\[\w+\])?[\w.]+)\s*$")]
    private static partial Regex Alias();

    [GeneratedRegex("""^\s+(?:\w+\s+)?(?<type>[*\[\]\w.]+)\s+`json:"(?<json>[^"]*)".* ?protobuf:"\w+,(?<number>\d+),""")]
    private static partial Regex Field();

    [GeneratedRegex(@"^(\*|\[\]|map\[[\w.]+\])*")]
    private static partial Regex TypePrefix();
}
