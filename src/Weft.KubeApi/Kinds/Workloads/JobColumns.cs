using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Workloads;

/// <summary>The computed columns of <c>kubectl get jobs</c>.</summary>
internal static class JobColumns
{
    public static string Status(JsonObject job)
    {
        if (HasCondition(job, "Complete"))
            return "Complete";
        if (HasCondition(job, "Failed"))
            return "Failed";
        if (job.Object("metadata").Text("deletionTimestamp") is not null)
            return "Terminating";
        if (HasCondition(job, "Suspended"))
            return "Suspended";
        if (HasCondition(job, "FailureTarget"))
            return "FailureTarget";
        return HasCondition(job, "SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
    }

    public static string Completions(JsonObject job)
    {
        var succeeded = job.Object("status").Integer("succeeded") ?? 0;
        if (job.Object("spec").Integer("completions") is { } completions)
            return $"{succeeded}/{completions}";
        var parallelism = job.Object("spec").Integer("parallelism") ?? 0;
        return parallelism > 1 ? $"{succeeded}/1 of {parallelism}" : $"{succeeded}/1";
    }

    public static string Duration(JsonObject job, DateTimeOffset now)
    {
        if (Age.Parse(job.Object("status").Text("startTime")) is not { } started)
            return "";
        return Age.Human((Age.Parse(job.Object("status").Text("completionTime")) ?? now) - started);
    }

    private static bool HasCondition(JsonObject job, string type) =>
        job.Object("status").Items("conditions").Any(c => c.Item.Text("type") == type && c.Item.Text("status") == "True");
}
