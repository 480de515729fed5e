using System.Text.Json.Nodes;
using Weft.Kernel.Processes;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>How a lab stands, as <c>list</c> and <c>status</c> show it.</summary>
/// <param name="Status">The daemon's own report, null when no daemon answers.</param>
public sealed record LabState(string Name, LabTopology? Topology, JsonObject? Status)
{
    public string Phase => Status.Str("phase") ?? "stopped";
}

/// <summary>Bringing labs up and down from outside of their daemons.</summary>
public static class LabManager
{
    private static readonly TimeSpan UpLimit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Brings a lab up and follows its daemon until all nodes are ready. A running lab is left as it is; one whose daemon died is
    /// recovered with its objects. When it fails, what it made is removed again.
    /// </summary>
    /// <returns>False when the lab was running already.</returns>
    /// <exception cref="LabException">One plain sentence on what went wrong.</exception>
    public static async Task<bool> UpAsync(LabTopology topology, Action<LabProgress> report, CancellationToken cancel)
    {
        Preflight.ThrowIfUnfit();
        var paths = new LabPaths(topology.Name);
        using var held = LabLock.Take(paths);
        if (await ControlSocket.AskAsync(paths, cancel) is { } status)
        {
            if (status.Int(0, "nodesWanted") != topology.NodeCount || status.Str("ipFamily") != topology.Family.ToText())
            {
                throw new LabException(
                    $"lab {topology.Name} is running with {status.Int(0, "nodesWanted")} nodes and {status.Str("ipFamily")}: " +
                    $"take it down first (weft lab down --name {topology.Name})");
            }

            return false;
        }

        bool recovers = File.Exists(paths.TopologyFile);
        if (recovers && TryReadTopology(paths) != topology)
        {
            throw new LabException(
                $"lab {topology.Name} was stopped with another number of nodes or IP family: take it down first (weft lab down --name {topology.Name})");
        }

        try
        {
            await StartAsync(paths, topology, report, cancel);
            return true;
        }
        catch when (!recovers)
        {
            // A lab that had objects keeps them for another try; a new one leaves nothing.
            LabCleanup.Run(paths);
            throw;
        }
    }

    private static async Task StartAsync(LabPaths paths, LabTopology topology, Action<LabProgress> report, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(paths.DaemonLog)!);
        File.SetUnixFileMode(paths.State, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(paths.Runtime);
        await File.WriteAllTextAsync(paths.TopologyFile, topology.ToJson().ToJsonString(), cancel);
        var progress = new ProgressFile(paths);
        progress.Reset();
        LabProcesses.StartDaemon(paths);
        long offset = 0;
        long deadline = Environment.TickCount64 + (long)UpLimit.TotalMilliseconds;
        bool seen = false;
        while (true)
        {
            foreach (var step in progress.ReadFrom(ref offset))
            {
                seen = true;
                if (step.Kind == ProgressKind.Failed)
                    throw new LabException($"lab {topology.Name} did not come up: {step.Message}");
                report(step);
                if (step.Kind == ProgressKind.Ready)
                    return;
            }

            bool late = Environment.TickCount64 > deadline;
            bool died = seen && LabProcesses.DaemonGroup(paths) is { } group && group.Exists && !group.IsPopulated();
            if (late || died || (!seen && Environment.TickCount64 > deadline - (long)UpLimit.TotalMilliseconds + 20_000))
            {
                throw new LabException(
                    $"lab {topology.Name} did not come up{(died ? ", its daemon ended" : " in time")}; its log says: {LastLines(paths.DaemonLog, 3)}");
            }

            await Task.Delay(20, cancel);
        }
    }

    /// <summary>Removes a lab whatever state it is in.</summary>
    /// <returns>False when there was nothing of it.</returns>
    /// <exception cref="LabException">Something could not be removed.</exception>
    public static bool Down(string name)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new LabException("taking a lab down needs root: run this with sudo");
        LabTopology.ThrowIfBadName(name);
        var paths = new LabPaths(name);
        using var held = LabLock.Take(paths);
        return LabCleanup.Run(paths);
    }

    /// <summary>Every lab of which anything is there: state, namespaces or processes.</summary>
    public static async Task<IReadOnlyList<LabState>> ListAsync(CancellationToken cancel)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (Directory.Exists(LabPaths.StateRoot))
            names.UnionWith(Directory.EnumerateDirectories(LabPaths.StateRoot).Select(d => Path.GetFileName(d)!));
        foreach (string ns in Kernel.Namespaces.NetNamespace.Names())
        {
            var parts = ns.Split('-');
            if (parts.Length >= 3 && parts[0] == "weft")
                names.Add(parts[1]);
        }

        var states = new List<LabState>();
        foreach (string name in names)
            states.Add(await StateAsync(name, cancel));
        return states;
    }

    public static async Task<LabState> StateAsync(string name, CancellationToken cancel)
    {
        LabTopology.ThrowIfBadName(name);
        var paths = new LabPaths(name);
        return new LabState(name, TryReadTopology(paths), await ControlSocket.AskAsync(paths, cancel));
    }

    public static LabTopology? TryReadTopology(LabPaths paths)
    {
        try
        {
            return LabTopology.Parse(File.ReadAllText(paths.TopologyFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    private static string LastLines(string file, int count)
    {
        try
        {
            return string.Join(" | ", File.ReadLines(file).TakeLast(count));
        }
        catch (IOException)
        {
            return "nothing";
        }
    }
}

/// <summary>Two commands on one lab take turns. The lock goes with its process.</summary>
internal sealed class LabLock : IDisposable
{
    private readonly FileStream _file;

    private LabLock(FileStream file) => _file = file;

    /// <exception cref="LabException">Another command holds the lab for longer than a minute.</exception>
    public static LabLock Take(LabPaths paths)
    {
        Directory.CreateDirectory(LabPaths.RuntimeRoot);
        for (int tries = 0; ; tries++)
        {
            try
            {
                // .NET takes flock(2) for FileShare.None.
                return new LabLock(new FileStream(
                    paths.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose));
            }
            catch (IOException) when (tries < 600)
            {
                Thread.Sleep(100);
            }
            catch (IOException e)
            {
                throw new LabException($"another weft command is busy with lab {paths.Name}: try again when it has ended", e);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
