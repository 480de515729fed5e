using System.Buffers.Binary;
using System.Net.Sockets;

namespace Weft.Agent;

/// <summary>
/// The right to be the agent of a network namespace: an abstract Unix socket (unix(7)), which the kernel keeps apart by network namespace
/// and gives back however the process ends. The lock on the state directory does not tell two agents that were given two directories.
/// </summary>
internal sealed class NodeClaim : IDisposable
{
    private const string Name = "\0weft-agent";
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    private readonly Socket _socket;

    private NodeClaim(Socket socket) => _socket = socket;

    /// <summary>Takes the right, and looks that nobody answers on the sockets that this agent is to have; touches nothing.</summary>
    /// <exception cref="IOException">Another agent runs; the message says which and what to do.</exception>
    public static NodeClaim Take(AgentOptions options)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(Name));
            // So that one who finds the name taken can connect and learn by whom.
            socket.Listen(16);
            UnixSocketFile.RequireFree(options.CniSocket);
            UnixSocketFile.RequireFree(options.HealthSocket);
            return new NodeClaim(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new IOException(
                $"another weft-agent{Owner()} runs in this network namespace: two would undo each other's routes and policy. "
                + "Stop that one first; a node has one agent, whatever its --state-dir and sockets", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Who listens, from the kernel (SO_PEERCRED: struct ucred begins with the process id).</summary>
    private static string Owner()
    {
        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            probe.Connect(new UnixDomainSocketEndPoint(Name));
            var credentials = new byte[12];
            probe.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
            var process = BinaryPrimitives.ReadInt32LittleEndian(credentials);
            // 0: the other one is in a process namespace that cannot be seen from here.
            return process > 0 ? $" (process {process})" : "";
        }
        catch (SocketException)
        {
            return "";
        }
    }
}
