using System.Text;

namespace Weft.Compile.Tables;

/// <summary>Texts that say which API object a rule comes from. They travel as nftables comments of at most 100 bytes.</summary>
internal static class Cause
{
    private const int MaxBytes = 100;

    /// <summary>Cuts a text that is too long, keeping it distinct by a hash of the whole.</summary>
    public static string Of(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) <= MaxBytes)
            return text;
        var tail = "~" + ContentHash.Of(text)[..6];
        var length = MaxBytes - tail.Length;
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, length)) > MaxBytes - tail.Length)
            length--;
        return text[..length] + tail;
    }
}
