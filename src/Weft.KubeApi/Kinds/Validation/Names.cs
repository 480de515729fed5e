using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Weft.Primitives;

namespace Weft.KubeApi.Kinds.Validation;

/// <summary>
/// What strings may hold. Each rule returns what is wrong, in the words of k8s.io/apimachinery/pkg/util/validation, or null.
/// </summary>
internal static class Names
{
    public const string PortRange = "must be between 1 and 65535, inclusive";
    public const string BadIp = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    public const string BadCidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

    private const string LabelForm = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string QualifiedForm = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    /// <summary>RFC 1123 section 2.1: a host name label.</summary>
    public static string? Dns1123Label(string text)
    {
        if (text.Length > 63)
            return "must be no more than 63 characters";
        return IsLabel(text) ? null
            : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
              + $"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LabelForm}')";
    }

    /// <summary>RFC 1123 section 2.1: labels joined by dots.</summary>
    public static string? Dns1123Subdomain(string text)
    {
        if (text.Length > 253)
            return "must be no more than 253 characters";
        return text.Split('.').All(IsLabel) ? null
            : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
              + $"an alphanumeric character (e.g. 'example.com', regex used for validation is '{LabelForm}(\\.{LabelForm})*')";
    }

    /// <summary>RFC 1035 section 2.3.1: a label that starts with a letter.</summary>
    public static string? Dns1035Label(string text)
    {
        if (text.Length > 63)
            return "must be no more than 63 characters";
        return IsLabel(text) && !char.IsAsciiDigit(text[0]) ? null
            : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with "
              + "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    }

    /// <summary>Keys of labels, annotations and taints: an optional DNS prefix and a name.</summary>
    public static string? QualifiedName(string text)
    {
        var slash = text.IndexOf('/');
        var name = text[(slash + 1)..];
        if (slash == 0)
            return "prefix part must be non-empty";
        if (slash > 0 && Dns1123Subdomain(text[..slash]) is { } prefix)
            return "prefix part " + prefix;
        if (name.Length == 0)
            return "name part must be non-empty";
        if (name.Length > 63)
            return "name part must be no more than 63 characters";
        return IsQualified(name) ? null
            : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
              + $"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QualifiedForm}')";
    }

    public static string? LabelValue(string text)
    {
        if (text.Length > 63)
            return "must be no more than 63 characters";
        return text.Length == 0 || IsQualified(text) ? null
            : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
              + $"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({QualifiedForm})?')";
    }

    /// <summary>RFC 6335 section 5.1: a service name.</summary>
    public static string? PortName(string text)
    {
        if (text.Length > 15)
            return "must be no more than 15 characters";
        if (text.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-'))
            return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        if (!text.Any(char.IsAsciiLetterLower))
            return "must contain at least one letter (a-z)";
        if (text.Contains("--", StringComparison.Ordinal))
            return "must not contain consecutive hyphens";
        return text[0] == '-' || text[^1] == '-' ? "must not begin or end with a hyphen" : null;
    }

    public static string? ConfigKey(string text)
    {
        if (text.Length > 253)
            return "must be no more than 253 characters";
        if (text is "." or "..")
            return $"must not be '{text}'";
        if (text.StartsWith("..", StringComparison.Ordinal))
            return "must not start with '..'";
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? null
            : "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
              + "regex used for validation is '[-._a-zA-Z0-9]+')";
    }

    public static string? EnvironmentName(string text) =>
        text.Length > 0 && text.All(c => c is >= ' ' and < (char)127 and not '=') ? null
            : "a valid environment variable name must consist only of printable ASCII characters other than '='";

    public static string? Port(long? number) => number is >= 1 and <= 65535 ? null : PortRange;

    public static string? Ip(string? text) => TryIp(text, out _) ? null : BadIp;

    public static bool TryIp(string? text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text is null || !IPAddress.TryParse(text, out var parsed) || text.Contains('%') || text.Contains('[')
            || parsed.AddressFamily == AddressFamily.InterNetwork && !IsDottedQuad(text))
            return false;
        address = parsed;
        return true;
    }

    /// <summary>Host bits may be set, as upstream lets them be.</summary>
    public static bool TryCidr(string? text, out IpPrefix prefix)
    {
        prefix = default;
        return text is not null && text.IndexOf('/') is var slash and > 0 && TryIp(text[..slash], out _) && IpPrefix.TryParse(text, strict: false, out prefix);
    }

    /// <summary>IPv4 or IPv6, as Services and EndpointSlices name families.</summary>
    public static string Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";

    /// <summary>A percentage such as 25%, or null.</summary>
    public static int? Percent(JsonNode? value) =>
        value.AsText() is { } text && text.EndsWith('%') && int.TryParse(text.AsSpan(0, text.Length - 1), out var percent) && percent >= 0 ? percent : null;

    private static bool IsLabel(string text) =>
        text.Length > 0 && text[0] != '-' && text[^1] != '-' && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool IsQualified(string text) =>
        char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>Four decimal numbers without leading zeros, which inet_aton would read as octal (CVE-2021-29923).</summary>
    private static bool IsDottedQuad(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 4 && parts.All(p => p.Length is >= 1 and <= 3 && p.All(char.IsAsciiDigit) && (p.Length == 1 || p[0] != '0'));
    }
}
