using Weft.Kernel.Namespaces;
using Weft.Primitives;

namespace Weft.Kernel.Sysctls;

/// <summary>/proc/sys as seen from inside a namespace: net/ shows that of the thread that opens the file.</summary>
public sealed class NamespaceSysctls(NetNamespace network) : ISysctls
{
    public string? Read(string path) => network.Run(() =>
    {
        try
        {
            return File.ReadAllText(FullPath(path)).TrimEnd('\n');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate($"read sysctl {path}", e);
        }
    });

    public void Write(string path, string value) => network.Run(() =>
    {
        try
        {
            // Not WriteAllText, which would try to truncate and, for a missing path, to create.
            using var file = new FileStream(FullPath(path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(value));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate($"write '{value}' to sysctl {path}", e);
        }
    });

    private static string FullPath(string path) =>
        path.StartsWith('/') || path.Split('/').Contains("..")
            ? throw new ArgumentException($"sysctl path '{path}' must be relative to /proc/sys", nameof(path))
            : $"/proc/sys/{path}";

    private static KernelException Translate(string operation, Exception e) => new(operation, e switch
    {
        FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
        UnauthorizedAccessException => Errno.EACCES,
        // Other errors of the C library reach HResult as the plain number.
        { HResult: > 0 and < 134 } => (Errno)e.HResult,
        _ => Errno.EIO,
    });
}
