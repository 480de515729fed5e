using Weft.Wire.Cni;

namespace Weft.Cni;

/// <summary>
/// The CNI plugin, and under another name weft-ipam: checks what the runtime gave it, has the agent do the work, and prints what the specification says (SPEC.md 1.1.0
/// sections 2 and 5). It keeps no state and touches no interface.
/// </summary>
/// <param name="environment">Reads an environment variable.</param>
/// <param name="exchange">Asks the agent at a socket.</param>
/// <param name="delegated">Whether this is weft-ipam, run by another plugin with that plugin's configuration (SPEC.md section 4).</param>
internal sealed class Plugin(Func<string, string?> environment, Func<string, AgentRequest, AgentResponse> exchange, bool delegated = false)
{
    /// <summary>Whether a program of this name is weft-ipam: one file serves as both, so that neither brings a second copy of the runtime.</summary>
    public static bool IsIpam(string programPath) => Path.GetFileName(programPath) == CniConfigurationReader.IpamType;

    /// <summary>Serves one call. Returns the exit status: 0, or 1 with an error object on the output.</summary>
    public int Run(Stream input, Stream output)
    {
        var version = CniVersions.Newest;
        try
        {
            var call = CniEnvironment.Read(environment);
            var configuration = ReadAll(input);
            if (call.Command == CniCommand.Version)
            {
                output.Write(CniJson.Version(VersionToReport(configuration)));
                return 0;
            }
            version = CniConfigurationReader.ReadVersion(configuration);
            if (!version.Has(call.Command))
                throw new CniException(
                    CniErrorCode.IncompatibleVersion, $"cniVersion {version.Text()} of the network configuration has no {call.Command.Text()}");
            var lenient = call.Command is CniCommand.Del or CniCommand.Gc;
            var parsed = CniConfigurationReader.Read(configuration, strict: !lenient, delegated);
            var response = Ask(parsed.AgentSocket, new AgentRequest(call with { Netns = Absolute(call.Netns) }, configuration, delegated));
            output.Write(response.Output.Span);
            return response.Failed ? 1 : 0;
        }
        catch (CniException e)
        {
            output.Write(CniJson.Error(version, e));
            return 1;
        }
        catch (Exception e)
        {
            var error = new CniException(CniErrorCode.IoFailure, $"the plugin failed: {e.GetType().Name}: {e.Message}");
            output.Write(CniJson.Error(version, error));
            return 1;
        }
    }

    // "if a plugin relies on an external service or daemon, it should return an error to STATUS if that service is unavailable", which is code 50.
    private AgentResponse Ask(string socket, AgentRequest request)
    {
        try
        {
            return exchange(socket, request);
        }
        catch (CniException e) when (request.Environment.Command == CniCommand.Status && e.Code == CniErrorCode.TryAgainLater)
        {
            throw new CniException(CniErrorCode.NotAvailable, e.Message, e.Details, e);
        }
    }

    /// <summary>A runtime newer than this plugin asks VERSION to find out what they share, so it is no error that the input's is unknown.</summary>
    private static CniVersion VersionToReport(byte[] configuration)
    {
        try
        {
            return CniConfigurationReader.ReadVersion(configuration);
        }
        catch (CniException)
        {
            return CniVersions.Newest;
        }
    }

    /// <summary>/proc/self is this process, which the agent is not: the path it is given must mean the same there.</summary>
    private static string Absolute(string netns)
    {
        foreach (var self in (ReadOnlySpan<string>)["/proc/self/", "/proc/thread-self/"])
            if (netns.StartsWith(self, StringComparison.Ordinal))
                return $"/proc/{Environment.ProcessId}/{netns[self.Length..]}";
        return netns;
    }

    private static byte[] ReadAll(Stream input)
    {
        var buffer = new byte[4096];
        var length = 0;
        while (true)
        {
            var count = input.Read(buffer, length, buffer.Length - length);
            if (count == 0)
                return buffer[..length];
            length += count;
            // One byte beyond the limit is enough for the reader to refuse it.
            if (length > CniConfigurationReader.MaxBytes)
                return buffer[..length];
            if (length == buffer.Length)
                Array.Resize(ref buffer, 2 * buffer.Length);
        }
    }
}
