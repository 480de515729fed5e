using System.Text.Json.Nodes;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

public enum ProgressKind { Step, Ready, Failed }

/// <summary>One thing that bringing a lab up has reached.</summary>
public sealed record LabProgress(ProgressKind Kind, string Message, int Done = 0, int Of = 0)
{
    public string ToLine() => new JsonObject
    {
        ["kind"] = Kind.ToString(), ["message"] = Message, ["done"] = Done, ["of"] = Of,
    }.ToJsonString();

    public static LabProgress? Parse(string line)
    {
        try
        {
            var node = JsonNode.Parse(line);
            return Enum.TryParse(node.Str("kind"), out ProgressKind kind)
                ? new LabProgress(kind, node.Str("message") ?? "", node.Int(0, "done"), node.Int(0, "of")) : null;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}

/// <summary>Progress goes from the daemon to <c>up</c> through a file, so that either may die without the other noticing.</summary>
internal sealed class ProgressFile(LabPaths paths)
{
    private readonly Lock _lock = new();

    private string FilePath => Path.Combine(paths.Runtime, "progress");

    public void Reset() => File.Delete(FilePath);

    public void Report(LabProgress progress)
    {
        lock (_lock)
            File.AppendAllText(FilePath, progress.ToLine() + "\n");
    }

    /// <summary>Complete lines after an offset; moves the offset past them.</summary>
    public IReadOnlyList<LabProgress> ReadFrom(ref long offset)
    {
        if (!File.Exists(FilePath))
            return [];
        using var file = new FileStream(FilePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(offset, SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        string text = reader.ReadToEnd();
        int end = text.LastIndexOf('\n');
        if (end < 0)
            return [];
        offset += System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(0, end + 1));
        return [.. text[..end].Split('\n').Select(LabProgress.Parse).OfType<LabProgress>()];
    }
}
