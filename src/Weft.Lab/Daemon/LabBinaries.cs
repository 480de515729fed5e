namespace Weft.Lab.Daemon;

/// <summary>Where the programs of a lab lie: beside the running one, or in $WEFT_BIN.</summary>
public static class LabBinaries
{
    public static string Directory =>
        Environment.GetEnvironmentVariable("WEFT_BIN") is { Length: > 0 } dir ? Path.GetFullPath(dir) : AppContext.BaseDirectory.TrimEnd('/');

    public static string Weft => Path.Combine(Directory, "weft");

    public static string Agent => Environment.GetEnvironmentVariable("WEFT_AGENT") is { Length: > 0 } path ? path : Path.Combine(Directory, "weft-agent");

    public static string Cni => Path.Combine(Directory, "weft-cni");

    /// <summary>Programs behind images named <c>weft.dev/sample/PROGRAM</c>.</summary>
    public static string Samples =>
        Environment.GetEnvironmentVariable("WEFT_SAMPLES") is { Length: > 0 } dir ? Path.GetFullPath(dir) : Path.Combine(Directory, "samples");

    /// <summary>Where CNI plugins are looked for, in order (CNI_PATH): Weft's own, then Debian's containernetworking-plugins.</summary>
    public static IReadOnlyList<string> CniPath => [Directory, "/usr/lib/cni", "/opt/cni/bin"];

    /// <exception cref="LabException">Names the first program that is missing.</exception>
    public static void ThrowIfMissing()
    {
        foreach (string path in new[] { Weft, Agent })
        {
            if (!File.Exists(path))
                throw new LabException($"{path} is missing: build it with `make build`, or set WEFT_BIN to the directory that holds it");
        }
    }
}
