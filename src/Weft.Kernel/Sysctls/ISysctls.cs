namespace Weft.Kernel.Sysctls;

/// <summary>Kernel parameters of one network namespace: paths relative to /proc/sys with slashes (net/ipv4/ip_forward).</summary>
public interface ISysctls
{
    /// <summary>Value without the line end; null when there is no such parameter.</summary>
    /// <exception cref="KernelException">It exists but cannot be read.</exception>
    string? Read(string path);

    /// <summary>Sets a value.</summary>
    /// <exception cref="KernelException">No such parameter (ENOENT), no right (EACCES, EROFS), or a value it refuses (EINVAL).</exception>
    void Write(string path, string value);
}
