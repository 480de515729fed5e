using System.Diagnostics.CodeAnalysis;

namespace Weft.Wire.Cni;

/// <summary>Versions of the CNI specification that Weft speaks, oldest first. The shape of results differs between them.</summary>
public enum CniVersion
{
    V031,
    V040,
    V100,
    V110,
}

/// <summary>Names and abilities of the versions of the CNI specification.</summary>
public static class CniVersions
{
    public const CniVersion Newest = CniVersion.V110;

    private static readonly string[] Names = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    /// <summary>What VERSION reports as supportedVersions.</summary>
    public static IReadOnlyList<string> Supported => Names;

    public static string Text(this CniVersion version) => Names[(int)version];

    public static bool TryParse([NotNullWhen(true)] string? text, out CniVersion version)
    {
        var index = Array.IndexOf(Names, text);
        version = index < 0 ? Newest : (CniVersion)index;
        return index >= 0;
    }

    /// <summary>CHECK came with 0.4.0; GC and STATUS with 1.1.0 (SPEC.md section 4).</summary>
    public static bool Has(this CniVersion version, CniCommand command) => command switch
    {
        CniCommand.Check => version >= CniVersion.V040,
        CniCommand.Gc or CniCommand.Status => version >= CniVersion.V110,
        _ => true,
    };
}
