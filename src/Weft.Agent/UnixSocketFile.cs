using System.Net.Sockets;

namespace Weft.Agent;

/// <summary>Socket files that an earlier agent may have left. One that is answered is somebody's, and is never taken from him.</summary>
internal static class UnixSocketFile
{
    /// <exception cref="IOException">The path holds something other than a dead socket; the message says what.</exception>
    public static void RequireFree(string path)
    {
        if (!File.Exists(path))
            return;
        if (CanBeOpened(path))
            throw new IOException($"cannot listen on {path}: it exists and is a file, not a socket; remove it, or give weft-agent another socket");
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return;
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {path}: it exists and is not a socket of a stopped weft-agent ({e.Message}); remove it", e);
        }
        throw new IOException($"cannot listen on {path}: another weft-agent answers there; stop it, or give this one another socket");
    }

    /// <summary>open(2) of a socket fails with ENXIO; connect(2) to a regular file fails as to a dead socket does.</summary>
    private static bool CanBeOpened(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
