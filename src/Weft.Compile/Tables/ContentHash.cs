using System.Security.Cryptography;
using System.Text;

namespace Weft.Compile.Tables;

/// <summary>
/// Names derived from what an object says, so that the same content has the same name on every node and after every restart, and a
/// change elsewhere renames nothing.
/// </summary>
internal static class ContentHash
{
    /// <summary>60 bits of SHA-256 as 12 letters of base 32: collisions stay improbable far beyond a million names.</summary>
    public static string Of(string text)
    {
        const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), digest);
        Span<char> name = stackalloc char[12];
        var bits = 0UL;
        for (var i = 0; i < 8; i++)
            bits = bits << 8 | digest[i];
        for (var i = 0; i < name.Length; i++)
            name[i] = Alphabet[(int)(bits >> (5 * i)) & 31];
        return new string(name);
    }
}
