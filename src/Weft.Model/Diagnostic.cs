namespace Weft.Model;

/// <summary>Something in an API object that Weft cannot act on as written. It is a status to show, never an exception.</summary>
/// <param name="Object">Kind and name, such as <c>Node n2</c> or <c>NetworkPolicy default/web</c>.</param>
/// <param name="Field">Path of the field, such as <c>spec.podCIDRs</c>.</param>
/// <param name="Found">The value found there.</param>
/// <param name="Advice">What follows from it and what to do.</param>
public sealed record Diagnostic(string Object, string Field, string Found, string Advice)
{
    public override string ToString() => $"{Object}: {Field} is '{Found}': {Advice}";
}
