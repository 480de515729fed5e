using System.Net.Sockets;
using Weft.Wire.Cni;

namespace Weft.Cni;

/// <summary>One request to the agent and its response, over a blocking Unix socket.</summary>
internal static class AgentConnection
{
    /// <summary>
    /// How long the agent may take to answer, milliseconds. More than it gives itself for an ADD, and well below the two minutes that
    /// the kubelet gives the runtime.
    /// </summary>
    private const int TimeoutMilliseconds = 30_000;

    /// <exception cref="CniException">Code 11: the agent is not there or does not answer, which passes. Code 6: it is not an agent.</exception>
    public static AgentResponse Exchange(string path, AgentRequest request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e)
        {
            throw TryAgain($"cannot reach weft-agent at {path}: {Describe(e.SocketErrorCode)}");
        }
        try
        {
            socket.SendTimeout = socket.ReceiveTimeout = TimeoutMilliseconds;
            ReadOnlySpan<byte> frame = AgentProtocol.Write(request);
            while (!frame.IsEmpty)
                frame = frame[socket.Send(frame)..];
            var header = new byte[AgentProtocol.HeaderBytes];
            Receive(socket, header, path);
            var body = new byte[AgentProtocol.ReadHeader(header)];
            Receive(socket, body, path);
            return AgentProtocol.ReadResponse(body);
        }
        catch (SocketException e)
        {
            throw TryAgain($"weft-agent at {path} did not answer: {Describe(e.SocketErrorCode)}");
        }
    }

    private static void Receive(Socket socket, Span<byte> buffer, string path)
    {
        while (!buffer.IsEmpty)
        {
            var count = socket.Receive(buffer);
            if (count == 0)
                throw TryAgain($"weft-agent at {path} ended the connection without an answer");
            buffer = buffer[count..];
        }
    }

    // The framework's own messages are trimmed out of this program.
    private static string Describe(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "nothing listens on the socket (connection refused)",
        SocketError.AddressNotAvailable or SocketError.HostNotFound => "the socket does not exist",
        SocketError.AccessDenied => "permission denied; weft-cni must run as root",
        SocketError.TimedOut or SocketError.WouldBlock => $"no answer within {TimeoutMilliseconds / 1000} s",
        SocketError.ConnectionReset or SocketError.Shutdown => "the connection was broken",
        _ => $"{error} (error {(int)error})",
    };

    private static CniException TryAgain(string message) =>
        new(CniErrorCode.TryAgainLater, message, "Is weft-agent running on this node, with this socket? The runtime will try again.");
}
