using System.Text;

namespace Weft.Kernel.Mounts;

/// <summary>A line of /proc/self/mounts.</summary>
public sealed record MountEntry(string Source, string Target, string Type, string Options);

/// <summary>Reading of /proc/self/mounts (proc(5)).</summary>
public static class MountTable
{
    /// <summary>What is mounted in this process's mount namespace, oldest first.</summary>
    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadAllText("/proc/self/mounts"));

    internal static IReadOnlyList<MountEntry> Parse(string text)
    {
        var entries = new List<MountEntry>();
        foreach (var line in text.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length >= 4)
                entries.Add(new MountEntry(Unescape(fields[0]), Unescape(fields[1]), fields[2], fields[3]));
        }
        return entries;
    }

    /// <summary>Space, tab, newline and backslash are written as three octal digits (fs/proc_namespace.c, mangle).</summary>
    internal static string Unescape(string text)
    {
        if (!text.Contains('\\'))
            return text;
        var bytes = Encoding.UTF8.GetBytes(text);
        var plain = new List<byte>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '\\' && i + 3 < bytes.Length && IsOctal(bytes[i + 1]) && IsOctal(bytes[i + 2]) && IsOctal(bytes[i + 3]))
            {
                plain.Add((byte)((bytes[i + 1] - '0') * 64 + (bytes[i + 2] - '0') * 8 + (bytes[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Add(bytes[i]);
            }
        }
        return Encoding.UTF8.GetString([.. plain]);

        static bool IsOctal(byte b) => b is >= (byte)'0' and <= (byte)'7';
    }
}
