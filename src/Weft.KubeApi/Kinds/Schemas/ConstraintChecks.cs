using System.Text;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Schemas;

/// <summary>The part of <see cref="SchemaValidator"/> that deals with bounds, patterns and combinations.</summary>
internal static class ConstraintChecks
{
    public static void Check(JsonNode value, SchemaConstraints limits, string path, List<FieldError> errors)
    {
        switch (value)
        {
            case JsonObject obj:
                CheckCount(obj.Count, limits.MinProperties, limits.MaxProperties, "properties", path, errors);
                break;
            case JsonArray array:
                CheckCount(array.Count, limits.MinItems, limits.MaxItems, "items", path, errors);
                if (limits.UniqueItems)
                    CheckUnique(array, path, errors);
                break;
            default:
                if (value.AsText() is { } text)
                    CheckText(value, text, limits, path, errors);
                else if (value.AsNumber() is { } number)
                    CheckNumber(value, number, limits, path, errors);
                break;
        }
        CheckCombinations(value, limits, path, errors);
    }

    private static void CheckNumber(JsonNode value, decimal number, SchemaConstraints limits, string path, List<FieldError> errors)
    {
        if (limits.Minimum is { } minimum && (limits.ExclusiveMinimum ? number <= minimum : number < minimum))
            Refuse($"should be greater than {(limits.ExclusiveMinimum ? "" : "or equal to ")}{Show(minimum)}");
        if (limits.Maximum is { } maximum && (limits.ExclusiveMaximum ? number >= maximum : number > maximum))
            Refuse($"should be less than {(limits.ExclusiveMaximum ? "" : "or equal to ")}{Show(maximum)}");
        if (limits.MultipleOf is { } factor and not 0 && number % factor != 0)
            Refuse($"should be a multiple of {Show(factor)}");

        void Refuse(string what) => errors.Add(FieldError.Invalid(path, value.DeepClone(), $"{path} in body {what}"));
        static string Show(decimal number) => number.ToString("0.#############################", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void CheckText(JsonNode value, string text, SchemaConstraints limits, string path, List<FieldError> errors)
    {
        // Lengths count Unicode code points, as utf8.RuneCountInString does.
        var length = limits.MinLength is null && limits.MaxLength is null ? 0 : text.EnumerateRunes().Count();
        if (length < limits.MinLength)
            errors.Add(FieldError.Invalid(path, value.DeepClone(), $"{path} in body should be at least {limits.MinLength} chars long"));
        if (length > limits.MaxLength)
            errors.Add(new FieldError(path, FieldErrorReason.TooLong, $"may not be more than {limits.MaxLength} bytes", value.DeepClone()));
        if (limits.Pattern is { } pattern && !pattern.IsMatch(text))
            errors.Add(FieldError.Invalid(path, value.DeepClone(), $"{path} in body should match '{pattern}'"));
    }

    private static void CheckCount(int count, long? least, long? most, string what, string path, List<FieldError> errors)
    {
        if (count < least)
            errors.Add(FieldError.Invalid(path, count, $"{path} in body should have at least {least} {what}"));
        if (count > most)
            errors.Add(new FieldError(path, FieldErrorReason.TooMany, $"{count}: must have at most {most} {what}", count));
    }

    private static void CheckUnique(JsonArray array, string path, List<FieldError> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        if (array.Any(item => !seen.Add(item?.ToJsonString() ?? "null")))
            errors.Add(FieldError.Invalid(path, array.DeepClone(), $"{path} in body shouldn't contain duplicates"));
    }

    private static void CheckCombinations(JsonNode value, SchemaConstraints limits, string path, List<FieldError> errors)
    {
        foreach (var schema in limits.AllOf)
            errors.AddRange(SchemaValidator.Validate(value, schema, path));
        if (limits.AnyOf.Count > 0 && !limits.AnyOf.Any(s => SchemaValidator.Validate(value, s, path).Count == 0))
            Refuse("must validate at least one schema (anyOf)");
        if (limits.OneOf.Count > 0 && limits.OneOf.Count(s => SchemaValidator.Validate(value, s, path).Count == 0) is var valid && valid != 1)
            Refuse($"must validate one and only one schema (oneOf). Found {(valid == 0 ? "none" : valid)} valid");
        if (limits.Not is { } not && SchemaValidator.Validate(value, not, path).Count == 0)
            Refuse("must not validate the schema (not)");

        void Refuse(string what) => errors.Add(FieldError.Invalid(path.Length == 0 ? "<nil>" : path, value.DeepClone(), $"\"{path}\" {what}"));
    }
}
