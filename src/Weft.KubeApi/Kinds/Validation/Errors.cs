using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Validation;

/// <summary>Collects what is wrong with one object, so that a rule reads as one line.</summary>
internal sealed class Errors : List<FieldError>
{
    public const string Immutable = "field is immutable";
    public const string Negative = "must be greater than or equal to 0";

    /// <summary>Adds an Invalid error when a rule of <see cref="Names"/> found something.</summary>
    public void Check(string path, string? value, Func<string, string?> rule)
    {
        if (value is not null && rule(value) is { } wrong)
            Add(FieldError.Invalid(path, value, wrong));
    }

    public void Invalid(string path, JsonNode? value, string detail) => Add(FieldError.Invalid(path, value?.DeepClone(), detail));

    public void Required(string path, string detail = "") => Add(FieldError.Required(path, detail));

    public void Forbidden(string path, string detail) => Add(FieldError.Forbidden(path, detail));

    public void Duplicate(string path, JsonNode? value) => Add(FieldError.Duplicate(path, value?.DeepClone()));

    public void Port(string path, long? number)
    {
        if (Names.Port(number) is { } wrong)
            Add(FieldError.Invalid(path, number ?? 0, wrong));
    }

    public void NotNegative(string path, JsonNode? owner, string field)
    {
        if (owner.Integer(field) is { } number and < 0)
            Add(FieldError.Invalid($"{path}.{field}", number, Negative));
    }

    /// <summary>Refuses a change of a field; absent equals null and equals an empty object or list.</summary>
    public void Unchanged(string path, JsonNode? now, JsonNode? before)
    {
        if (!Same(now, before))
            Invalid(path, now, Immutable);
    }

    public static bool Same(JsonNode? left, JsonNode? right) => IsEmpty(left) && IsEmpty(right) || JsonNode.DeepEquals(left, right);

    private static bool IsEmpty(JsonNode? node) => node is null or JsonArray { Count: 0 } or JsonObject { Count: 0 };
}
