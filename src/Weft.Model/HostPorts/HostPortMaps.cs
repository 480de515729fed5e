namespace Weft.Model.HostPorts;

/// <summary>
/// Names of the nftables maps that lead from a node's port to a container, one of each a family (<c>hostports-4</c>): the compiler writes them and
/// who reads the table back must know them.
/// </summary>
public static class HostPortMaps
{
    /// <summary>Begins the name of every one of them, of the chains and of the set of links.</summary>
    public const string Prefix = "hostports";

    /// <summary>Open at every address of the node: protocol and port.</summary>
    public const string Any = Prefix;

    /// <summary>Open at one address (hostIP): address, protocol and port.</summary>
    public const string At = Prefix + "-at";
}
