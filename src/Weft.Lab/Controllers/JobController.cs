using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Runs pods until enough of them have succeeded, or too many have failed.</summary>
internal sealed class JobController : Controller
{
    private const string Resource = "jobs.batch";
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromMinutes(6);

    private readonly EventRecorder _events;

    public JobController(InformerSet api, EventRecorder events, LabLog log) : base(api, log)
    {
        _events = events;
        WatchSelf(Resource);
        WatchOwned("pods", "Job");
    }

    public override string Name => "job-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For(Resource).Get(key) is not { } job || job.IsDeleting())
            return;
        if (Conditions.IsTrue(job, "Complete") || Conditions.IsTrue(job, "Failed"))
        {
            await ExpireAsync(job, cancel);
            return;
        }

        var pods = OwnedBy("pods", job).ToList();
        var active = pods.Where(PodTemplates.IsActive).ToList();
        // Pods that were deleted while they ran still count as what they were (status.succeeded and failed never fall).
        int succeeded = Math.Max(job.Int(0, "status", "succeeded"), pods.Count(p => p.Str("status", "phase") == "Succeeded"));
        int failed = Math.Max(job.Int(0, "status", "failed"), pods.Count(p => p.Str("status", "phase") == "Failed"));
        var (end, reason, message) = Verdict(job, pods, active.Count, succeeded, failed);
        if (end is not null)
        {
            await EndAsync(job, active, end, reason, message, succeeded, failed, cancel);
            return;
        }

        if (job.Flag("spec", "suspend"))
        {
            foreach (var pod in active)
                await Api.DeleteAsync("pods", pod, cancel);
            active = [];
        }
        else
        {
            await FillAsync(job, pods, active, succeeded, cancel);
        }

        if (job.Num("spec", "activeDeadlineSeconds") is { } seconds)
            Queue.AddAfter(key, (job.Time("status", "startTime") ?? Now).AddSeconds(seconds) - Now + TimeSpan.FromMilliseconds(100));
        await UpdateStatusAsync(Resource, job, Status(job, active, succeeded, failed), cancel);
    }

    private (string? End, string Reason, string Message) Verdict(JsonObject job, List<JsonObject> pods, int active, int succeeded, int failed)
    {
        int limit = job.Int(6, "spec", "backoffLimit");
        // With OnFailure a pod stays and its containers restart: those restarts count instead (Job pattern, backoffLimit).
        int restarts = job.Str("spec", "template", "spec", "restartPolicy") == "OnFailure"
            ? pods.Sum(p => p.Items("status", "containerStatuses").Sum(c => c.Int(0, "restartCount"))) : 0;
        if (failed > limit || restarts > limit)
            return ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        if (job.Num("spec", "activeDeadlineSeconds") is { } seconds && job.Time("status", "startTime") is { } start && Now >= start.AddSeconds(seconds))
            return ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
        bool done = job.Num("spec", "completions") is { } completions ? succeeded >= completions : succeeded > 0 && active == 0;
        return done ? ("Complete", "CompletionsReached", "Reached expected number of succeeded pods") : (null, "", "");
    }

    private async Task FillAsync(JsonObject job, List<JsonObject> pods, List<JsonObject> active, int succeeded, CancellationToken cancel)
    {
        int parallelism = job.Int(1, "spec", "parallelism");
        int wanted = job.Num("spec", "completions") is { } completions
            ? (int)Math.Min(parallelism, completions - succeeded) : succeeded > 0 ? active.Count : parallelism;
        foreach (var pod in PodTemplates.CheapestFirst(active).Take(Math.Max(0, active.Count - wanted)).ToList())
        {
            await Api.DeleteAsync("pods", pod, cancel);
            active.Remove(pod);
        }

        if (active.Count >= wanted || pods.Any(p => p.IsDeleting() && !PodTemplates.IsOver(p)))
            return;
        if (BackOffLeft(pods) is { Ticks: > 0 } left)
        {
            Queue.AddAfter(job.Key(), left);
            return;
        }

        bool indexed = job.Str("spec", "completionMode") == "Indexed";
        var taken = pods.Where(p => PodTemplates.IsActive(p) || p.Str("status", "phase") == "Succeeded").Select(p => p.Annotation(IndexKey)).ToHashSet();
        var free = indexed ? new Queue<string>(Enumerable.Range(0, job.Int(0, "spec", "completions")).Select(i => $"{i}").Where(i => !taken.Contains(i))) : null;
        while (active.Count < wanted && (free is null || free.Count > 0))
            active.Add(await CreateAsync(job, free?.Dequeue(), cancel));
    }

    private const string IndexKey = "batch.kubernetes.io/job-completion-index";

    /// <summary>After a failure 10 s, doubling with each further one.</summary>
    private TimeSpan BackOffLeft(List<JsonObject> pods)
    {
        var failures = pods.Where(p => p.Str("status", "phase") == "Failed").ToList();
        if (failures.Count == 0)
            return TimeSpan.Zero;
        var last = failures.SelectMany(p => p.Items("status", "containerStatuses")).Select(c => c.Time("state", "terminated", "finishedAt")).Max();
        var delay = TimeSpan.FromTicks(Math.Min(FirstBackOff.Ticks << Math.Min(failures.Count - 1, 10), LongestBackOff.Ticks));
        return last is { } at ? at + delay - Now : TimeSpan.Zero;
    }

    private async Task<JsonObject> CreateAsync(JsonObject job, string? index, CancellationToken cancel)
    {
        var pod = PodTemplates.PodOf(job, "batch/v1", "Job");
        var metadata = (JsonObject)pod["metadata"]!;
        metadata["generateName"] = index is null ? job.Name() + "-" : $"{job.Name()}-{index}-";
        if (metadata["labels"] is not JsonObject labels)
            metadata["labels"] = labels = [];
        labels["batch.kubernetes.io/job-name"] = job.Name();
        labels["job-name"] = job.Name();
        labels["batch.kubernetes.io/controller-uid"] = job.Uid();
        labels["controller-uid"] = job.Uid();
        if (index is not null)
        {
            labels[IndexKey] = index;
            if (metadata["annotations"] is not JsonObject annotations)
                metadata["annotations"] = annotations = [];
            annotations[IndexKey] = index;
            pod["spec"]!["hostname"] = $"{job.Name()}-{index}";
            foreach (var container in pod.Items("spec", "containers"))
            {
                var env = container.Items("env").Select(e => e.Copy()).Append(new JsonObject { ["name"] = "JOB_COMPLETION_INDEX", ["value"] = index });
                container["env"] = env.ToJsonArray();
            }
        }

        var made = await Api.CreateAsync("pods", job.Namespace(), pod, cancel);
        _events.Record(job, "Normal", "SuccessfulCreate", "Created pod: " + made.Name(), Name);
        return made;
    }

    private JsonObject Status(JsonObject job, List<JsonObject> active, int succeeded, int failed)
    {
        var status = job.Obj("status")?.Copy() ?? [];
        status["active"] = active.Count;
        status["ready"] = active.Count(PodTemplates.IsReady);
        status["succeeded"] = succeeded;
        status["failed"] = failed;
        status["startTime"] ??= Now.ToTime();
        return status;
    }

    private async Task EndAsync(
        JsonObject job, List<JsonObject> active, string end, string reason, string message, int succeeded, int failed, CancellationToken cancel)
    {
        foreach (var pod in active)
            await Api.DeleteAsync("pods", pod, cancel);
        var status = Status(job, [], succeeded, failed);
        var condition = Conditions.Make(job, end, "True", Now, reason, message);
        condition["lastProbeTime"] = Now.ToTime();
        status["conditions"] = job.Items("status", "conditions").Where(c => c.Str("type") != end).Select(c => c.Copy()).Append(condition).ToJsonArray();
        if (end == "Complete")
            status["completionTime"] = Now.ToTime();
        await UpdateStatusAsync(Resource, job, status, cancel);
        _events.Record(job, end == "Complete" ? "Normal" : "Warning", end == "Complete" ? "Completed" : reason, end == "Complete" ? "Job completed" : message, Name);
    }

    private async Task ExpireAsync(JsonObject job, CancellationToken cancel)
    {
        if (job.Num("spec", "ttlSecondsAfterFinished") is not { } ttl)
            return;
        var ended = Conditions.Find(job, "Complete").Time("lastTransitionTime") ?? Conditions.Find(job, "Failed").Time("lastTransitionTime") ?? Now;
        var left = ended.AddSeconds(ttl) - Now;
        if (left > TimeSpan.Zero)
            Queue.AddAfter(job.Key(), left + TimeSpan.FromMilliseconds(100));
        else
            await Api.DeleteAsync(Resource, job, cancel, propagation: "Background");
    }
}
