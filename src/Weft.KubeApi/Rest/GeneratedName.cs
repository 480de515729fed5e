using System.Security.Cryptography;

namespace Weft.KubeApi.Rest;

/// <summary>Names made from metadata.generateName (k8s.io/apiserver/pkg/storage/names: no vowels, so no words).</summary>
internal static class GeneratedName
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int Suffix = 5;
    private const int MaxLength = 63;

    public static string From(string prefix)
    {
        if (prefix.Length > MaxLength - Suffix)
            prefix = prefix[..(MaxLength - Suffix)];
        return prefix + RandomNumberGenerator.GetString(Alphabet, Suffix);
    }
}
