using System.Text.Json.Nodes;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Tests.Runs;

/// <summary>Real labs on this machine: they come up, survive what is done to them, and leave nothing.</summary>
[Collection("labs")]
public sealed class LabRunTests
{
    private static string Pod(string lab, string name, string more = "") =>
        $"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: c, image: none, " +
        $"command: [sh, -c, \"echo hello; exec sh -c 'while true; do sleep 1; done' {MachineState.Marker(lab)}\"]{more}}}]}}}}\n";

    private static bool AllRunning(string lines) => lines.Split('\n', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } l && l.All(x => x.Contains("Running", StringComparison.Ordinal));

    [SkippableFact]
    public async Task Up_and_down_leave_nothing_and_up_is_idempotent()
    {
        using var lab = new LabRun("tupdown");
        Assert.True(await lab.UpAsync());
        Assert.False(await lab.UpAsync());
        await lab.ApplyAsync(Pod("tupdown", "a") + Pod("tupdown", "b"));
        await lab.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        Assert.NotEqual(lab.Before.Things, MachineState.Of("tupdown").Things);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(lab.Paths.Kubeconfig));
        lab.DownAndCompare();
        Assert.False(LabManager.Down("tupdown"));
    }

    [SkippableFact]
    public async Task Down_after_the_daemon_was_killed_leaves_nothing()
    {
        using var lab = new LabRun("tdaemon");
        await lab.UpAsync();
        await lab.ApplyAsync(Pod("tdaemon", "a"));
        await lab.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        LabRun.Kill((await lab.StatusAsync()).Int(0, "pid"));
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task Down_with_a_damaged_state_directory_leaves_nothing()
    {
        using var lab = new LabRun("tdamaged");
        await lab.UpAsync();
        LabRun.Kill((await lab.StatusAsync()).Int(0, "pid"));
        File.WriteAllText(lab.Paths.TopologyFile, "junk");
        Directory.Delete(Path.Combine(lab.Paths.State, "nodes"), recursive: true);
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task A_killed_agent_is_started_again()
    {
        using var lab = new LabRun("tagent");
        await lab.UpAsync();
        int Pid(JsonObject status) => status.Items("nodes").First().Int(0, "agentPid");
        int before = Pid(await lab.StatusAsync());
        LabRun.Kill(before);
        int after = 0;
        for (int i = 0; i < 200 && (after == 0 || after == before); i++)
        {
            await Task.Delay(50);
            after = Pid(await lab.StatusAsync());
        }

        Assert.NotEqual(before, after);
        Assert.NotEqual(0, after);
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task After_the_daemon_was_killed_up_brings_objects_and_pods_back()
    {
        using var lab = new LabRun("tback");
        await lab.UpAsync();
        await lab.ApplyAsync(Pod("tback", "a"));
        await lab.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        LabRun.Kill((await lab.StatusAsync()).Int(0, "pid"));
        Assert.True(await lab.UpAsync());
        await lab.UntilAsync(o => AllRunning(o) && o.Contains(" 1 ", StringComparison.Ordinal), "get", "pods", "--no-headers");
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task Two_labs_live_side_by_side()
    {
        using var one = new LabRun("tone", nodes: 1);
        using var two = new LabRun("ttwo", nodes: 1);
        await Task.WhenAll(one.UpAsync(), two.UpAsync());
        await two.ApplyAsync(Pod("ttwo", "a"));
        await two.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        one.DownAndCompare();
        Assert.Equal("ready", (await two.StatusAsync()).Str("phase"));
        await two.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        two.DownAndCompare();
    }

    [SkippableFact]
    public async Task A_lab_that_cannot_come_up_says_why_in_one_sentence_and_leaves_nothing()
    {
        using var lab = new LabRun("tfails", nodes: 1);
        string agent = Environment.GetEnvironmentVariable("WEFT_AGENT")!;
        Environment.SetEnvironmentVariable("WEFT_AGENT", "/nonexistent/weft-agent");
        try
        {
            var e = await Assert.ThrowsAsync<LabException>(lab.UpAsync);
            Assert.StartsWith("/nonexistent/weft-agent is missing", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("WEFT_AGENT", agent);
        }

        Assert.Equal(lab.Before.Things, MachineState.Of("tfails").Things);
    }

    [SkippableFact]
    public async Task Pods_live_as_their_specs_say()
    {
        using var lab = new LabRun("tpods");
        await lab.UpAsync();
        await lab.ApplyAsync(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Runs", "pods.yaml")));
        await lab.UntilAsync(o => o == "True", "get", "pod", "full", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}");
        string log = (await lab.KubectlAsync("", "logs", "full", "-c", "main")).Output;
        string ip = (await lab.KubectlAsync("", "get", "pod", "full", "-o", "jsonpath={.status.podIP}")).Output;
        Assert.Contains("from-init", log, StringComparison.Ordinal);
        Assert.Contains($"me={ip} again={ip}!", log, StringComparison.Ordinal);
        Assert.Contains("map=value secret=hidden", log, StringComparison.Ordinal);
        Assert.Contains("file=value", log, StringComparison.Ordinal);
        Assert.Contains("host=full", log, StringComparison.Ordinal);
        Assert.Contains("search default.svc.cluster.local", log, StringComparison.Ordinal);
        Assert.False(Directory.Exists("/weft-test-mount"), "a mount point of a pod is seen on the host");
        Assert.False(File.Exists("/tmp/weft-test-file"), "a pod's file is seen on the host");
        Assert.False(Directory.Exists("/run/secrets/kubernetes.io/serviceaccount"), "a mount point behind a link is seen on the host");
        Assert.Contains("account=default token=ok", log, StringComparison.Ordinal);
        await lab.UntilAsync(o => o == "CrashLoopBackOff", "get", "pod", "crash", "-o", "jsonpath={.status.containerStatuses[0].state.waiting.reason}");
        await lab.UntilAsync(o => o == "Failed 3", "get", "pod", "fails", "-o", "jsonpath={.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}");
        await lab.UntilAsync(o => o == "Succeeded", "get", "pod", "succeeds", "-o", "jsonpath={.status.phase}");
        await lab.UntilAsync(o => o == "CreateContainerConfigError", "get", "pod", "nocommand", "-o", "jsonpath={.status.containerStatuses[0].state.waiting.reason}");
        await lab.UntilAsync(o => o == "False", "get", "pod", "unready", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}");
        await lab.UntilAsync(o => int.TryParse(o, out int n) && n >= 1, "get", "pod", "unhealthy", "-o", "jsonpath={.status.containerStatuses[0].restartCount}");
        var (status, output) = await lab.KubectlAsync("", "delete", "pod", "--all", "--wait=true", "--timeout=60s");
        Assert.True(status == 0, output);
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task Exec_attach_and_logs_reach_a_pod()
    {
        using var lab = new LabRun("tstream", nodes: 1);
        await lab.UpAsync();
        await lab.ApplyAsync(
            "---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: none, env: [{name: A, value: b}], " +
            "command: [sh, -c, \"i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done\"]}]}}");
        await lab.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        var (status, output) = await lab.KubectlAsync("", "exec", "p", "--", "sh", "-c", "echo $A $(hostname); echo bad >&2; exit 4");
        Assert.Equal(4, status);
        Assert.StartsWith("b p\n", output, StringComparison.Ordinal);
        Assert.Contains("bad\n", output, StringComparison.Ordinal);
        (status, output) = await lab.KubectlAsync("through\n", "exec", "-i", "p", "--", "cat");
        Assert.Equal((0, "through\n"), (status, output));
        await lab.UntilAsync(o => o.Contains("line 3", StringComparison.Ordinal), "logs", "p");
        Assert.Equal(2, (await lab.KubectlAsync("", "logs", "p", "--tail=2")).Output.Count(c => c == '\n'));
        (status, output) = await lab.KubectlAsync("", "exec", "p", "-c", "nosuch", "--", "true");
        Assert.NotEqual(0, status);
        (status, output) = await lab.KubectlAsync("attached\n", "run", "-i", "once", "--image=none", "--restart=Never", "--rm", "--command", "--", "cat");
        Assert.Contains("attached", output, StringComparison.Ordinal);
        lab.DownAndCompare();
    }

    [SkippableFact]
    public async Task A_stop_is_asked_for_before_it_is_forced()
    {
        using var lab = new LabRun("tgrace", nodes: 1);
        await lab.UpAsync();
        string file = Path.Combine(Path.GetTempPath(), "weft-grace-" + Guid.NewGuid().ToString("N"));
        await lab.ApplyAsync(
            "---\n{apiVersion: v1, kind: Pod, metadata: {name: polite}, spec: {terminationGracePeriodSeconds: 20, volumes: [{name: t, hostPath: {path: /tmp}}], containers: [{name: c, image: none, " +
            $"volumeMounts: [{{name: t, mountPath: /tmp}}], command: [sh, -c, \"trap 'echo asked > {file}; exit 0' TERM; while true; do sleep 0.1; done\"]}}]}}}}");
        await lab.UntilAsync(AllRunning, "get", "pods", "--no-headers");
        var (status, output) = await lab.KubectlAsync("", "delete", "pod", "polite", "--wait=true", "--timeout=60s");
        Assert.True(status == 0, output);
        Assert.Equal("asked\n", await File.ReadAllTextAsync(file));
        File.Delete(file);
        lab.DownAndCompare();
    }
}

[CollectionDefinition("labs", DisableParallelization = true)]
public sealed class LabsCollection;
