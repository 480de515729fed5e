using System.Text.Json.Nodes;
using Weft.Kernel;
using Weft.Kernel.Processes;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>Carries one pod through its life on a node, one step at a time: sandbox, volumes, init containers, containers, end.</summary>
internal sealed class PodWorker
{
    private static readonly TimeSpan ConfigRetry = TimeSpan.FromSeconds(2);

    private readonly NodeContext _node;
    private readonly ContainerFiles _files;
    private readonly PodVolumes _volumes;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly List<Container> _containers = [];
    private readonly DateTimeOffset _startTime;
    private volatile JsonObject _pod;
    private volatile bool _gone;
    private volatile bool _volumesStale = true;
    private int _sandboxFailures;
    private string? _failure;
    private bool _terminating;

    public PodWorker(NodeContext node, JsonObject pod)
    {
        (_node, _pod) = (node, pod);
        Uid = pod.Uid();
        _files = new ContainerFiles(node, Uid);
        _volumes = new PodVolumes(Path.Combine(node.PodState(Uid), "volumes"), node.Tokens);
        _startTime = pod.Time("status", "startTime") ?? node.Now;
        foreach (var spec in pod.Items("spec", "initContainers"))
            Add(spec, spec.Str("restartPolicy") == "Always" ? ContainerRole.Sidecar : ContainerRole.Init);
        foreach (var spec in pod.Items("spec", "containers"))
            Add(spec, ContainerRole.Main);
    }

    public string Uid { get; }

    public JsonObject Pod => _pod;

    public NodeContext Node => _node;

    public Sandbox? Sandbox { get; private set; }

    public ContainerFiles Files => _files;

    public bool IsOver { get; private set; }

    public IReadOnlyList<Container> Containers => _containers;

    private string RestartPolicy => _pod.Str("spec", "restartPolicy") ?? "Always";

    private bool IsTerminal => _pod.Str("status", "phase") is "Succeeded" or "Failed";

    private void Add(JsonObject spec, ContainerRole role)
    {
        string name = spec.Str("name") ?? "";
        var container = new Container(spec, role, _node, Wake) { LabId = $"{Uid[..Math.Min(8, Uid.Length)]}-{name}" };
        var old = _pod.Items("status", role == ContainerRole.Main ? "containerStatuses" : "initContainerStatuses")
            .FirstOrDefault(s => s.Str("name") == name);
        container.RestartCount = old.Int(0, "restartCount");
        if (old.Obj("state", "running") is { } running)
        {
            container.Lost = new JsonObject
            {
                ["exitCode"] = 137,
                ["reason"] = "ContainerStatusUnknown",
                ["message"] = "The container could not be located when the pod was found again after the lab's daemon ended",
                ["startedAt"] = running.Str("startedAt"),
                ["finishedAt"] = _node.Now.ToTime(),
            };
        }
        else if (old.Obj("state", "terminated") is { } terminated)
        {
            container.Lost = terminated.Copy();
        }

        _containers.Add(container);
    }

    public void Update(JsonObject pod)
    {
        _pod = pod;
        Wake();
    }

    /// <summary>The object is gone from the API: the pod ends without grace.</summary>
    public void Gone()
    {
        _gone = true;
        Wake();
    }

    /// <summary>A ConfigMap or Secret that the pod mounts has changed.</summary>
    public void RefreshVolumes()
    {
        _volumesStale = true;
        Wake();
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (_gone || _pod.IsDeleting())
            {
                await EndAsync(cancel);
                IsOver = true;
                return;
            }

            var wait = Timeout.InfiniteTimeSpan;
            if (!IsTerminal)
            {
                wait = await StepAsync(cancel);
                await ReportAsync(cancel);
                if (IsTerminal)
                    await ReleaseAsync(cancel);
            }

            await _wake.WaitAsync(wait, cancel);
        }
    }

    /// <returns>When to look again at the latest.</returns>
    private async Task<TimeSpan> StepAsync(CancellationToken cancel)
    {
        if (_pod.Num("spec", "activeDeadlineSeconds") is { } deadline && _node.Now - _startTime > TimeSpan.FromSeconds(deadline))
        {
            _failure = "DeadlineExceeded";
            await Task.WhenAll(_containers.Select(c => c.StopAsync(TimeSpan.FromSeconds(1))));
            return Timeout.InfiniteTimeSpan;
        }

        if (Sandbox is null && await TrySandboxAsync(cancel) is { } retry)
            return retry;
        var context = Context();
        if (_volumesStale && !TryVolumes(context))
            return ConfigRetry;
        var until = TimeSpan.MaxValue;
        foreach (var container in _containers.Where(c => c.Role != ContainerRole.Main))
        {
            var wait = await EnsureAsync(container, context, cancel);
            if (wait < until)
                until = wait;
            if (container.Role == ContainerRole.Init ? !container.Succeeded : !container.IsStarted)
                return Deadline(until);
        }

        foreach (var container in _containers.Where(c => c.Role == ContainerRole.Main))
        {
            var wait = await EnsureAsync(container, context, cancel);
            if (wait < until)
                until = wait;
        }

        return Deadline(until);
    }

    private TimeSpan Deadline(TimeSpan until)
    {
        if (_pod.Num("spec", "activeDeadlineSeconds") is { } deadline)
        {
            var left = _startTime.AddSeconds(deadline) - _node.Now + TimeSpan.FromMilliseconds(50);
            until = left < until ? left : until;
        }

        return until == TimeSpan.MaxValue ? Timeout.InfiniteTimeSpan : until < TimeSpan.FromMilliseconds(10) ? TimeSpan.FromMilliseconds(10) : until;
    }

    private async Task<TimeSpan?> TrySandboxAsync(CancellationToken cancel)
    {
        try
        {
            Sandbox = await Lab.Kubelet.Sandbox.CreateAsync(_pod, _node, cancel);
            _files.WriteCommon(_pod, Sandbox);
            _sandboxFailures = 0;
            return null;
        }
        catch (Exception e) when (e is CniException or KernelException or IOException or System.ComponentModel.Win32Exception)
        {
            _node.Event(_pod, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + e.Message);
            _sandboxFailures++;
            return TimeSpan.FromMilliseconds(Math.Min(500 * Math.Pow(2, Math.Min(_sandboxFailures, 6) - 1), 15_000));
        }
    }

    private bool TryVolumes(PodContext context)
    {
        try
        {
            _volumesStale = false;
            _volumes.Prepare(context);
            return true;
        }
        catch (Exception e) when (e is ContainerConfigException or IOException or UnauthorizedAccessException or FormatException or ApiStatusException)
        {
            _volumesStale = true;
            _node.Event(_pod, "Warning", "FailedMount", "MountVolume.SetUp failed: " + e.Message);
            return false;
        }
    }

    private PodContext Context() => new(
        _pod, Sandbox?.Ips ?? [], _node.HostIps, _node.ConfigMaps, _node.Secrets,
        _node.Services.In("default").Where(s => s.Name() == "kubernetes").Concat(_node.Services.In(_pod.Namespace())));

    /// <returns>After how long to look again; MaxValue when only an event calls for it.</returns>
    private async Task<TimeSpan> EnsureAsync(Container container, PodContext context, CancellationToken cancel)
    {
        if (container.IsRunning || (container.Role == ContainerRole.Init && container.Succeeded))
            return TimeSpan.MaxValue;
        if ((container.HasEnded || container.Lost is not null) && !MayRestart(container))
        {
            container.Settle();
            return TimeSpan.MaxValue;
        }

        if (container.BackOffLeft() is { Ticks: > 0 } left)
        {
            container.ReportBackOff(_pod, left);
            return left;
        }

        return await container.StartAsync(_pod, context, Sandbox!, _volumes, _files, cancel) ? TimeSpan.MaxValue : ConfigRetry;
    }

    private bool MayRestart(Container container)
    {
        if (container.Role == ContainerRole.Sidecar)
            return true;
        // Init containers run again in a new sandbox, and a failed one as long as the pod is not of the Never kind.
        if (container.Role == ContainerRole.Init)
            return container.Lost is not null || RestartPolicy != "Never";
        int status = container.Run?.ExitCode ?? container.Lost.Int(137, "exitCode");
        return RestartPolicy == "Always" || (RestartPolicy == "OnFailure" && status != 0);
    }

    private async Task ReportAsync(CancellationToken cancel)
    {
        var pod = _pod;
        var status = PodStatus.Build(pod, this, _startTime, _failure, _terminating, _node.Now);
        if (StatusPatch.Between(pod.Obj("status"), status) is not { } patch)
            return;
        // A pod of the same name that came after must not get this one's status.
        if (_node.Pods.Get(pod.Namespace(), pod.Name()) is not { } current || current.Uid() != Uid)
            return;
        try
        {
            var next = await _node.Api.PatchAsync("pods", pod, new JsonObject { ["status"] = patch }, cancel, "status");
            if (_pod.Version() < next.Version())
                _pod = next;
        }
        catch (ApiStatusException e)
        {
            _node.Log.Warn("kubelet", $"{_node.Node.Name}: status of {pod.Key()}: {e.Message}");
        }
    }

    private async Task EndAsync(CancellationToken cancel)
    {
        _terminating = true;
        foreach (var container in _containers)
            container.Finish();
        if (!_gone && !IsTerminal)
            await ReportAsync(cancel);
        int grace = _gone ? 0 : _pod.Int(30, "metadata", "deletionGracePeriodSeconds");
        await StopContainersAsync(TimeSpan.FromSeconds(grace), cancel);
        foreach (var container in _containers)
            container.Settle();
        if (!_gone && !IsTerminal)
            await ReportAsync(cancel);
        await ReleaseAsync(cancel);
        if (!_gone)
            await DeleteObjectAsync(cancel);
        RemoveFiles();
    }

    /// <summary>Main containers first, then sidecars in reverse order, as the API says of their shutdown.</summary>
    private async Task StopContainersAsync(TimeSpan grace, CancellationToken cancel)
    {
        foreach (var container in _containers.Where(c => c.IsRunning))
            _node.Event(_pod, "Normal", "Killing", "Stopping container " + container.Name, container.Name);
        await Task.WhenAll(_containers.Where(c => c.Role != ContainerRole.Sidecar).Select(c => StopOneAsync(c, grace, cancel)));
        foreach (var sidecar in _containers.Where(c => c.Role == ContainerRole.Sidecar).Reverse())
            await sidecar.StopAsync(grace < TimeSpan.FromSeconds(2) ? grace : TimeSpan.FromSeconds(2));
    }

    private async Task StopOneAsync(Container container, TimeSpan grace, CancellationToken cancel)
    {
        long start = _node.Time.GetTimestamp();
        if (container.IsRunning && grace > TimeSpan.Zero && container.Spec.Obj("lifecycle", "preStop") is { } hook)
            await LifecycleHook.RunAsync(hook, container, _node, Sandbox!, _files, grace, cancel);
        var left = grace - _node.Time.GetElapsedTime(start);
        await container.StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>Sidecars end and the network goes; DEL is tried until it succeeds, and what fails to go is on record for later.</summary>
    private async Task ReleaseAsync(CancellationToken cancel)
    {
        foreach (var container in _containers.Where(c => c.IsRunning))
            await container.StopAsync(TimeSpan.FromSeconds(2));
        await Task.Run(() => _node.PodGroup(Uid).Delete(TimeSpan.FromSeconds(10)), cancel);
        if (Sandbox is not { } sandbox)
            return;
        for (int tries = 1; ; tries++)
        {
            try
            {
                await sandbox.RemoveAsync(_node, cancel);
                Sandbox = null;
                return;
            }
            catch (Exception e) when (e is CniException or KernelException)
            {
                if (tries == 1)
                    _node.Event(_pod, "Warning", "FailedKillPod", "error killing pod: " + e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(200 * tries, 5000)), _node.Time, cancel);
            }
        }
    }

    private async Task DeleteObjectAsync(CancellationToken cancel)
    {
        if (_node.Pods.Get(_pod.Namespace(), _pod.Name()) is not { } current || current.Uid() != Uid)
            return;
        for (int tries = 1; !_gone; tries++)
        {
            try
            {
                await _node.Api.DeleteAsync("pods", _pod, cancel, gracePeriodSeconds: 0);
                return;
            }
            catch (ApiStatusException e) when (tries < 10)
            {
                _node.Log.Warn("kubelet", $"{_node.Node.Name}: delete {_pod.Key()}: {e.Message}");
                await Task.Delay(200 * tries, cancel);
            }
        }
    }

    private void RemoveFiles()
    {
        foreach (string directory in new[] { _node.PodState(Uid), _node.PodRuntime(Uid) })
        {
            try
            {
                if (Directory.Exists(directory))
                    Directory.Delete(directory, recursive: true);
            }
            catch (IOException e)
            {
                _node.Log.Warn("kubelet", $"{_node.Node.Name}: {e.Message}");
            }
        }
    }
}
