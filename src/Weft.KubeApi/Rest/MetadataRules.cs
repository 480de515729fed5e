using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Rest;

/// <summary>What holds for the metadata of every object (k8s.io/apimachinery/pkg/api/validation/objectmeta.go).</summary>
internal static partial class MetadataRules
{
    private const int TotalAnnotationBytes = 256 * 1024;

    public static IReadOnlyList<FieldError> Validate(JsonObject target, JsonObject? old, ResourceDefinition definition)
    {
        var errors = new List<FieldError>();
        var metadata = (JsonObject)target["metadata"]!;
        if (old is null)
            Name(metadata, definition, errors);
        Labels(metadata["labels"] as JsonObject, errors);
        Annotations(metadata["annotations"] as JsonObject, errors);
        Finalizers(metadata, old?["metadata"] as JsonObject, errors);
        Owners(metadata["ownerReferences"] as JsonArray, errors);
        return errors;
    }

    /// <summary>Null when the text is a qualified name: an optional DNS subdomain and slash, then up to 63 characters.</summary>
    public static string? QualifiedName(string text)
    {
        var slash = text.IndexOf('/');
        var name = text[(slash + 1)..];
        if (slash == 0 || (slash > 0 && DnsSubdomain(text[..slash]) is not null))
            return "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'";
        return name.Length is > 0 and <= 63 && QualifiedNamePattern().IsMatch(name)
            ? null
            : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
              + "(e.g. 'MyName',  or 'my.name',  or '123-abc'), and be no more than 63 characters";
    }

    public static string? DnsSubdomain(string text) =>
        text.Length is > 0 and <= 253 && DnsSubdomainPattern().IsMatch(text)
            ? null
            : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
              + "alphanumeric character (e.g. 'example.com'), and be no more than 253 characters";

    private static void Name(JsonObject metadata, ResourceDefinition definition, List<FieldError> errors)
    {
        var name = Json.Text(metadata["name"]) ?? "";
        if (name.Length == 0)
        {
            errors.Add(FieldError.Required("metadata.name", "name or generateName is required"));
            return;
        }
        // Names become path segments (path segment name rule), whatever the kind says besides.
        var wrong = name is "." or ".." || name.Contains('/') || name.Contains('%')
            ? "may not be '.' or '..' or contain '/' or '%'"
            : (definition.ValidateName ?? DnsSubdomain)(name);
        if (wrong is not null)
            errors.Add(FieldError.Invalid("metadata.name", JsonValue.Create(name), wrong));
    }

    private static void Labels(JsonObject? labels, List<FieldError> errors)
    {
        foreach (var (key, value) in labels ?? [])
        {
            if (QualifiedName(key) is { } wrong)
                errors.Add(FieldError.Invalid("metadata.labels", JsonValue.Create(key), wrong));
            var text = Json.Text(value) ?? "";
            if (text.Length > 63 || (text.Length > 0 && !QualifiedNamePattern().IsMatch(text)))
            {
                errors.Add(FieldError.Invalid("metadata.labels", JsonValue.Create(text),
                    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
                    + "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345'), and be no more than 63 characters"));
            }
        }
    }

    private static void Annotations(JsonObject? annotations, List<FieldError> errors)
    {
        var total = 0;
        foreach (var (key, value) in annotations ?? [])
        {
            if (QualifiedName(key.ToLowerInvariant()) is { } wrong)
                errors.Add(FieldError.Invalid("metadata.annotations", JsonValue.Create(key), wrong));
            total += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(Json.Text(value) ?? "");
        }
        if (total > TotalAnnotationBytes)
            errors.Add(new FieldError("metadata.annotations", FieldErrorReason.TooLong, $"may not be more than {TotalAnnotationBytes} bytes"));
    }

    private static void Finalizers(JsonObject metadata, JsonObject? old, List<FieldError> errors)
    {
        var finalizers = Json.Strings(metadata["finalizers"]).ToArray();
        foreach (var finalizer in finalizers)
        {
            if (QualifiedName(finalizer) is { } wrong)
                errors.Add(FieldError.Invalid("metadata.finalizers", JsonValue.Create(finalizer), wrong));
        }
        if (finalizers.Contains("orphan") && finalizers.Contains("foregroundDeletion"))
        {
            errors.Add(FieldError.Invalid("metadata.finalizers", Json.Strings(finalizers),
                "finalizers orphan and foregroundDeletion cannot be both set"));
        }
        if (old is not null && old["deletionTimestamp"] is not null)
        {
            var added = finalizers.Except(Json.Strings(old["finalizers"])).ToArray();
            if (added.Length > 0)
            {
                errors.Add(FieldError.Forbidden("metadata.finalizers",
                    $"no new finalizers can be added if the object is being deleted, found new finalizers [{string.Join(", ", added)}]"));
            }
        }
    }

    private static void Owners(JsonArray? owners, List<FieldError> errors)
    {
        if (owners is null)
            return;
        var controllers = 0;
        for (var i = 0; i < owners.Count; i++)
        {
            foreach (var field in (ReadOnlySpan<string>)["apiVersion", "kind", "name", "uid"])
            {
                if (string.IsNullOrEmpty(Json.Text(owners[i]?[field])))
                    errors.Add(FieldError.Invalid($"metadata.ownerReferences[{i}].{field}", JsonValue.Create(""), "must not be empty"));
            }
            if (owners[i]?["controller"] is JsonValue controller && controller.TryGetValue<bool>(out var set) && set)
                controllers++;
        }
        if (controllers > 1)
            errors.Add(FieldError.Invalid("metadata.ownerReferences", null, "Only one reference can have Controller set to true"));
    }

    [GeneratedRegex(@"\A[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedNamePattern();

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex DnsSubdomainPattern();
}
