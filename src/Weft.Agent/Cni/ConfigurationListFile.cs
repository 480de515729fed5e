using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// The network configuration list that tells runtimes of Weft. Runtimes take its presence as "the network is ready", so it is to be written
/// only once the agent can serve ADD, and in one step; it stays when the agent stops, so that pods wait for the agent (code 11) rather than
/// get another network.
/// </summary>
public static class ConfigurationListFile
{
    public const string FileName = "10-weft.conflist";

    /// <summary>Writes <see cref="FileName"/> into a directory (such as /etc/cni/net.d), which is created if need be; returns its path.</summary>
    /// <param name="mtu">Bytes, to override what the agent finds; usually null.</param>
    public static string Write(string directory, string networkName, string agentSocket, int? mtu = null)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        var content = CniJson.ConfigurationList(networkName, agentSocket, mtu);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
            return path;
        // Runtimes watch the directory and read *.conf, *.conflist and *.json: the temporary name must be none of these.
        var temporary = Path.Combine(directory, $".{FileName}.{Environment.ProcessId}");
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        return path;
    }
}
