using System.Net.Sockets;

namespace Weft.Dns;

/// <summary>Whole reads from a stream.</summary>
internal static class TcpFrames
{
    /// <summary>Fills the buffer; false when the stream ends first.</summary>
    public static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancel)
    {
        while (buffer.Length > 0)
        {
            var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel);
            if (count == 0)
                return false;
            buffer = buffer[count..];
        }
        return true;
    }
}
