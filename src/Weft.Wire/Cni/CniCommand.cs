namespace Weft.Wire.Cni;

/// <summary>CNI_COMMAND (SPEC.md 1.1.0 section 2, "CNI operations").</summary>
public enum CniCommand
{
    Add,
    Del,
    Check,
    Gc,
    Status,
    Version,
}

/// <summary>Names of the commands on the wire.</summary>
public static class CniCommands
{
    public static string Text(this CniCommand command) => command switch
    {
        CniCommand.Add => "ADD",
        CniCommand.Del => "DEL",
        CniCommand.Check => "CHECK",
        CniCommand.Gc => "GC",
        CniCommand.Status => "STATUS",
        _ => "VERSION",
    };

    public static bool TryParse(string? text, out CniCommand command)
    {
        (var known, command) = text switch
        {
            "ADD" => (true, CniCommand.Add),
            "DEL" => (true, CniCommand.Del),
            "CHECK" => (true, CniCommand.Check),
            "GC" => (true, CniCommand.Gc),
            "STATUS" => (true, CniCommand.Status),
            "VERSION" => (true, CniCommand.Version),
            _ => (false, CniCommand.Version),
        };
        return known;
    }
}
