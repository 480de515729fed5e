using System.Text.Json.Nodes;
using Weft.Kernel;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

internal enum ContainerRole { Init, Sidecar, Main }

/// <summary>One container of a pod over all of its runs: what runs, what ended, how long to wait, what its probes say.</summary>
internal sealed class Container(JsonObject spec, ContainerRole role, NodeContext node, Action changed)
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromMinutes(5);

    /// <summary>A run this long clears the back-off (kubelet: twice the longest).</summary>
    private static readonly TimeSpan Steady = TimeSpan.FromMinutes(10);

    private CancellationTokenSource? _probes;
    private ProbeLoop? _readiness;
    private ProbeLoop? _startup;
    private JsonObject? _waiting = new() { ["reason"] = "ContainerCreating" };
    private JsonObject? _lastState;
    private int _backOffs;
    private bool _everStarted;

    public string Name => spec.Str("name") ?? "";

    public JsonObject Spec => spec;

    public ContainerRole Role => role;

    public ContainerRun? Run { get; private set; }

    public int RestartCount { get; set; }

    public bool IsRunning => Run is { HasEnded: false };

    public bool HasEnded => Run is { HasEnded: true };

    public bool Succeeded => HasEnded && Run!.ExitCode == 0;

    /// <summary>Its startup probe, if any, has passed.</summary>
    public bool IsStarted => IsRunning && (_startup is null || _startup.Passing);

    public bool IsReady => IsStarted && (_readiness is null || _readiness.Passing);

    /// <summary>A pod that ran before a crash of the daemon: its container is gone and says nothing about how it ended.</summary>
    public JsonObject? Lost { get; set; }

    public string ContainerId => $"weft://{LabId}-{RestartCount}";

    public string LabId { get; set; } = "";

    public string? PreviousLog { get; private set; }

    public void Wait(string reason, string? message = null)
    {
        _waiting = new JsonObject { ["reason"] = reason };
        if (message is not null)
            _waiting["message"] = message;
    }

    /// <summary>When it may start again after its last end: at once after the first, then after 10 s doubling to 5 min.</summary>
    public TimeSpan BackOffLeft()
    {
        if (Run is not { HasEnded: true } run || _backOffs == 0)
            return TimeSpan.Zero;
        if (run.FinishedAt - run.StartedAt > Steady)
        {
            _backOffs = 0;
            return TimeSpan.Zero;
        }

        return run.FinishedAt!.Value + BackOff(_backOffs) - node.Now is { Ticks: > 0 } left ? left : TimeSpan.Zero;
    }

    internal static TimeSpan BackOff(int restarts) =>
        restarts <= 0 ? TimeSpan.Zero : restarts > 6 ? LongestBackOff
            : TimeSpan.FromTicks(Math.Min(FirstBackOff.Ticks << (restarts - 1), LongestBackOff.Ticks));

    public void ReportBackOff(JsonObject pod, TimeSpan left)
    {
        string message = $"back-off {BackOff(_backOffs).TotalSeconds:0}s restarting failed container={Name} pod={pod.Name()}_{pod.Namespace()}({pod.Uid()})";
        if (_waiting.Str("reason") != "CrashLoopBackOff")
            node.Event(pod, "Warning", "BackOff", "Back-off restarting failed container " + Name, Name);
        Wait("CrashLoopBackOff", message);
    }

    /// <summary>Starts the command. Failing to is a state of the container, not an exception.</summary>
    /// <returns>False when it must be tried again later.</returns>
    public async Task<bool> StartAsync(JsonObject pod, PodContext context, Sandbox sandbox, PodVolumes volumes, ContainerFiles files, CancellationToken cancel)
    {
        ContainerSpec launch;
        try
        {
            launch = files.Spec(spec, pod, context, sandbox, volumes, LabId);
        }
        catch (ContainerConfigException e)
        {
            if (_waiting.Str("message") != e.Message)
                node.Event(pod, "Warning", "Failed", "Error: " + e.Message, Name);
            Wait("CreateContainerConfigError", e.Message);
            return false;
        }

        EndRun(restarting: true);
        string log = files.LogFile(pod, Name, RestartCount);
        try
        {
            Run = await ContainerRun.StartAsync(
                launch, files.SpecFile(Name), Cgroup.At(launch.CgroupPath!), new ContainerLog(log, node.Time), node.Time, spec.Flag("stdin"), changed);
        }
        catch (Exception e) when (e is IOException or KernelException or System.ComponentModel.Win32Exception or UnauthorizedAccessException)
        {
            node.Event(pod, "Warning", "Failed", "Error: " + e.Message, Name);
            Wait("RunContainerError", e.Message);
            return false;
        }

        _everStarted = true;
        _waiting = null;
        if (Run.StartError is { } why)
            node.Event(pod, "Warning", "Failed", "Error: " + why, Name);
        else
            node.Event(pod, "Normal", "Started", "Started container " + Name, Name);
        if (IsRunning && spec.Obj("lifecycle", "postStart") is { } hook &&
            await LifecycleHook.RunAsync(hook, this, node, sandbox, files, TimeSpan.FromMinutes(2), cancel) is { Success: false } failed)
        {
            // A container whose hook fails is stopped, and its restart policy decides (core/v1 Lifecycle.postStart).
            node.Event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed: " + failed.Message, Name);
            await StopAsync(TimeSpan.FromSeconds(2));
        }

        StartProbes(pod, sandbox, files);
        return true;
    }

    /// <summary>Puts the run that ended away as lastState before another begins.</summary>
    private void EndRun(bool restarting)
    {
        StopProbes();
        if (Run is { HasEnded: true } old)
        {
            _lastState = new JsonObject { ["terminated"] = old.TerminatedState(ContainerId) };
            PreviousLog = old.Log.Path;
            old.Dispose();
            if (restarting)
            {
                RestartCount++;
                _backOffs++;
            }
        }
        else if (Lost is { } lost)
        {
            _lastState = new JsonObject { ["terminated"] = lost.DeepClone() };
            Lost = null;
            if (restarting)
                RestartCount++;
        }
    }

    private void StartProbes(JsonObject pod, Sandbox sandbox, ContainerFiles files)
    {
        var run = Run!;
        var stop = _probes = new CancellationTokenSource();
        var target = new ProbeTarget(node.Network, sandbox.Ips[0], spec, (command, cancel) => ContainerExec.RunAsync(run, command, files.ExecSpecFile(), cancel));
        _readiness = spec.Obj("readinessProbe") is { } readiness ? new ProbeLoop(readiness, target, initially: false, node.Time) : null;
        var liveness = spec.Obj("livenessProbe") is { } live ? new ProbeLoop(live, target, initially: true, node.Time) : null;
        _startup = spec.Obj("startupProbe") is { } startup ? new ProbeLoop(startup, target, initially: false, node.Time) : null;
        void Unhealthy(string kind, string message) => node.Event(pod, "Warning", "Unhealthy", $"{kind} probe failed: {message}", Name);
        void KillFor(string kind, string message)
        {
            node.Event(pod, "Normal", "Killing", $"Container {Name} failed {kind.ToLowerInvariant()} probe, will be restarted", Name);
            _ = StopAsync(TimeSpan.FromSeconds(pod.Int(30, "spec", "terminationGracePeriodSeconds")));
        }

        void Begin()
        {
            _ = _readiness?.RunAsync((_, _) => changed(), m => Unhealthy("Readiness", m), stop.Token);
            _ = liveness?.RunAsync((ok, m) =>
            {
                if (!ok)
                    KillFor("liveness", m);
            }, m => Unhealthy("Liveness", m), stop.Token);
        }

        if (_startup is null)
        {
            Begin();
            return;
        }

        // Until the startup probe has passed the others wait, and after that it is not asked again.
        var startupStop = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        _ = _startup.RunAsync((ok, m) =>
        {
            if (ok)
            {
                startupStop.Cancel();
                Begin();
                changed();
            }
            else
            {
                KillFor("startup", m);
            }
        }, m => Unhealthy("Startup", m), startupStop.Token);
    }

    private void StopProbes()
    {
        _probes?.Cancel();
        _probes = null;
        _readiness = null;
        _startup = null;
    }

    /// <summary>SIGTERM, and when the grace is over SIGKILL to all that is left in the container.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (Run is not { HasEnded: false } run)
            return;
        run.Signal(Signal.Term);
        await Task.WhenAny(run.Ended, Task.Delay(grace, node.Time));
        if (!run.HasEnded)
            run.Kill();
        await run.Ended.WaitAsync(TimeSpan.FromSeconds(15)).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    /// <summary>After the last run: nothing is asked of it any more.</summary>
    public void Finish() => StopProbes();

    public JsonObject Status()
    {
        var state = new JsonObject();
        if (IsRunning)
            state["running"] = new JsonObject { ["startedAt"] = Run!.StartedAt.ToTime() };
        else if (_waiting is not null)
            state["waiting"] = _waiting.DeepClone();
        else if (HasEnded)
            state["terminated"] = Run!.TerminatedState(ContainerId);
        else if (Lost is { } lost)
            state["terminated"] = lost.DeepClone();
        var last = _waiting is not null && HasEnded ? new JsonObject { ["terminated"] = Run!.TerminatedState(ContainerId) } : _lastState?.DeepClone();
        bool done = role == ContainerRole.Init && Succeeded;
        return new JsonObject
        {
            ["name"] = Name,
            ["state"] = state,
            ["lastState"] = last ?? new JsonObject(),
            ["ready"] = done || (role != ContainerRole.Init && IsReady),
            ["started"] = IsStarted,
            ["restartCount"] = RestartCount,
            ["image"] = spec.Str("image") ?? "",
            ["imageID"] = "",
            ["containerID"] = _everStarted ? ContainerId : "",
        };
    }

    /// <summary>Neither running nor ended: it has yet to start for the first time, or again.</summary>
    public bool IsWaiting => !IsRunning && (_waiting is not null || (Run is null && Lost is null));

    /// <summary>Marks what ended as final, so that it shows as terminated and not as waiting.</summary>
    public void Settle() => _waiting = HasEnded || Lost is not null ? null : _waiting;
}
