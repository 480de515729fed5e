using System.Diagnostics;
using Weft.Kernel.Mounts;
using Weft.Kernel.Processes;

namespace Weft.Kernel.Tests;

public class CgroupTests
{
    [Theory]
    [InlineData("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "/sys/fs/cgroup")]
    [InlineData("tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n", "/sys/fs/cgroup/unified")]
    [InlineData("cgroup2 /a\\040b\\134c cgroup2 rw 0 0\n", "/a b\\c")]
    [InlineData("cgroup /sys/fs/cgroup cgroup rw 0 0\n", null)]
    [InlineData("", null)]
    public void HierarchyIsFoundInTheMountTable(string mounts, string? expected) => Assert.Equal(expected, Cgroup.FindMount(mounts));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("tab\\011end", "tab\tend")]
    [InlineData("no\\99escape", "no\\99escape")]
    [InlineData("\\", "\\")]
    public void MountTableIsUnescaped(string text, string expected) => Assert.Equal(expected, MountTable.Unescape(text));

    [SkippableFact]
    public void DeletingAGroupKillsWhatRunsInItAndBelow()
    {
        RealNamespaces.RequireRoot();
        var group = Cgroup.Root().Child($"weft-test-{Environment.ProcessId}-tree");
        var nested = group.Child("a/b");
        nested.Create();
        group.Child("c").Create();
        using var sleeper = Process.Start("sleep", "600");
        using var handle = PidHandle.TryOpen(sleeper.Id)!;
        nested.Add(sleeper.Id);
        Assert.Equal([sleeper.Id], nested.Processes());
        Assert.Empty(group.Processes());
        Assert.True(group.IsPopulated());
        Assert.False(handle.WaitForExit(TimeSpan.Zero));
        Assert.True(group.Delete(TimeSpan.FromSeconds(10)));
        Assert.False(group.Exists);
        Assert.True(handle.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.True(group.Delete(TimeSpan.Zero));
        Assert.Empty(group.Processes());
        Assert.False(group.IsPopulated());
    }

    [Fact]
    public void SignalsReachAProcessOnlyWhileItLives()
    {
        using var sleeper = Process.Start("sleep", "600");
        using var handle = PidHandle.TryOpen(sleeper.Id)!;
        Assert.True(handle.Send(Signal.Term));
        sleeper.WaitForExit();
        Assert.True(handle.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.False(handle.Send(Signal.Kill));
        Assert.Null(PidHandle.TryOpen(int.MaxValue));
    }
}
