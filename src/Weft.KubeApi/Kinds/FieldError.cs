using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>
/// One refused field, as it appears among the causes of a Status of reason Invalid
/// (k8s.io/apimachinery/pkg/util/validation/field is the vocabulary).
/// </summary>
/// <param name="Path">As Kubernetes writes it: <c>spec.ports[0].port</c>, <c>metadata.labels[app]</c>.</param>
/// <param name="Reason">One of <see cref="FieldErrorReason"/>.</param>
/// <param name="Detail">What is wrong and what would be right; may be empty for Required and Duplicate.</param>
/// <param name="BadValue">The value found; ignored for Required, Forbidden and TooMany.</param>
public sealed record FieldError(string Path, string Reason, string Detail, JsonNode? BadValue = null)
{
    public static FieldError Required(string path, string detail = "") => new(path, FieldErrorReason.Required, detail);

    public static FieldError Invalid(string path, JsonNode? value, string detail) => new(path, FieldErrorReason.Invalid, detail, value);

    public static FieldError Forbidden(string path, string detail) => new(path, FieldErrorReason.Forbidden, detail);

    public static FieldError Duplicate(string path, JsonNode? value) => new(path, FieldErrorReason.Duplicate, "", value);

    public static FieldError NotFound(string path, JsonNode? value) => new(path, FieldErrorReason.NotFound, "", value);

    public static FieldError TypeInvalid(string path, JsonNode? value, string detail) => new(path, FieldErrorReason.TypeInvalid, detail, value);

    /// <param name="supported">The accepted values, listed in the message.</param>
    public static FieldError NotSupported(string path, JsonNode? value, params IReadOnlyList<string> supported) =>
        new(path, FieldErrorReason.NotSupported, "supported values: " + string.Join(", ", supported.Select(s => $"\"{s}\"")), value);

    /// <summary>The message without the path: <c>Invalid value: 0: must be between 1 and 65535, inclusive</c>.</summary>
    public string Body
    {
        get
        {
            var label = Reason switch
            {
                FieldErrorReason.Required => "Required value",
                FieldErrorReason.Invalid or FieldErrorReason.TypeInvalid => "Invalid value",
                FieldErrorReason.NotSupported => "Unsupported value",
                FieldErrorReason.Forbidden => "Forbidden",
                FieldErrorReason.Duplicate => "Duplicate value",
                FieldErrorReason.NotFound => "Not found",
                FieldErrorReason.TooLong => "Too long",
                FieldErrorReason.TooMany => "Too many",
                _ => Reason,
            };
            if (Reason is not (FieldErrorReason.Required or FieldErrorReason.Forbidden or FieldErrorReason.TooMany or FieldErrorReason.TooLong))
                label += ": " + (BadValue?.ToJsonString() ?? "null");
            return Detail.Length == 0 ? label : $"{label}: {Detail}";
        }
    }

    public override string ToString() => $"{Path}: {Body}";
}

/// <summary>The cause types of metav1.StatusCause that validation uses.</summary>
public static class FieldErrorReason
{
    public const string Required = "FieldValueRequired";
    public const string Invalid = "FieldValueInvalid";
    public const string NotSupported = "FieldValueNotSupported";
    public const string Forbidden = "FieldValueForbidden";
    public const string Duplicate = "FieldValueDuplicate";
    public const string NotFound = "FieldValueNotFound";
    public const string TooLong = "FieldValueTooLong";
    public const string TooMany = "FieldValueTooMany";
    public const string TypeInvalid = "FieldValueTypeInvalid";
}
