using Weft.Primitives;

namespace Weft.Kernel.Sysctls;

/// <summary>Kernel parameters in memory. Only paths given a value exist, as in /proc/sys.</summary>
public sealed class FakeSysctls(FaultPlan? faults = null) : ISysctls
{
    private readonly FaultPlan _faults = faults ?? new FaultPlan();

    public SortedDictionary<string, string> Values { get; } = new(StringComparer.Ordinal);

    public string? Read(string path)
    {
        _faults.Read($"read sysctl {path}");
        return Values.GetValueOrDefault(path);
    }

    public void Write(string path, string value)
    {
        var errno = _faults.Next();
        if (errno == Errno.None && !Values.ContainsKey(path))
            errno = Errno.ENOENT;
        if (errno != Errno.None)
            throw new KernelException($"write '{value}' to sysctl {path}", errno);
        Values[path] = value;
        _faults.CountWrite();
    }
}
