namespace Weft.Agent.Ipam;

/// <summary>FNV-1a, 64 bits: names and checksums that must be the same in every process and release. Not for use against forgery.</summary>
internal static class StableHash
{
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
            hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }
}
