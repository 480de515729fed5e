namespace Weft.Wire.Cni;

/// <summary>
/// What the specification allows as names. Each check returns null, or the reason for refusal: a sentence part to follow the name of the
/// field.
/// </summary>
public static class CniNames
{
    /// <summary>IFNAMSIZ less the terminating zero (linux/if.h).</summary>
    public const int MaxInterfaceNameBytes = 15;

    /// <summary>SPEC.md 1.1.0 section 2 "Parameters": starts alphanumeric, then alphanumeric, underscore, dot or hyphen.</summary>
    public static string? CheckContainerId(string id) => CheckPlain(id);

    /// <summary>SPEC.md 1.1.0 section 1: the network's name follows the same rule as a container id.</summary>
    public static string? CheckNetworkName(string name) => CheckPlain(name);

    /// <summary>SPEC.md 1.1.0 section 2 "CNI_IFNAME", and dev_valid_name() in the kernel's net/core/dev.c.</summary>
    public static string? CheckInterfaceName(string name)
    {
        if (name.Length == 0)
            return "is empty";
        if (name is "." or "..")
            return $"'{JsonFields.Shorten(name)}' is a directory, not an interface name";
        var bytes = System.Text.Encoding.UTF8.GetByteCount(name);
        if (bytes > MaxInterfaceNameBytes)
            return $"'{JsonFields.Shorten(name)}' is {bytes} bytes long; the kernel takes at most {MaxInterfaceNameBytes}";
        foreach (var c in name)
            if (c is '/' or ':' || char.IsWhiteSpace(c) || char.IsControl(c))
                return $"'{JsonFields.Shorten(name)}' contains '{Printable(c)}'; a slash, a colon and white space are not allowed";
        return null;
    }

    /// <summary>A path to the container's network namespace: absolute, since plugin and agent have working directories of their own.</summary>
    public static string? CheckNetns(string path)
    {
        if (path.Length == 0)
            return "is empty";
        if (path[0] != '/')
            return $"'{JsonFields.Shorten(path)}' is not an absolute path, such as /run/netns/NAME or /proc/PID/ns/net";
        if (path.Length > 4095)
            return $"is {path.Length} characters long; the kernel takes at most 4095";
        return path.Contains('\0') ? "contains a zero byte" : null;
    }

    private static string? CheckPlain(string text)
    {
        if (text.Length == 0)
            return "is empty";
        if (text.Length > 255)
            return $"is {text.Length} characters long; at most 255 are allowed";
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsAsciiLetterOrDigit(c) || (i > 0 && (c is '_' or '.' or '-')))
                continue;
            return i == 0
                ? $"'{JsonFields.Shorten(text)}' starts with '{Printable(c)}'; it must start with a letter or digit"
                : $"'{JsonFields.Shorten(text)}' contains '{Printable(c)}'; only letters, digits, '_', '.' and '-' are allowed";
        }
        return null;
    }

    private static string Printable(char c) => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString();
}
