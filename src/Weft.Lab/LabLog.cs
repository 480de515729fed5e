namespace Weft.Lab;

/// <summary>The daemon's own log: one line an event, written to its standard output, which <c>up</c> points at a file.</summary>
public sealed class LabLog(TextWriter output, TimeProvider time)
{
    private readonly Lock _lock = new();

    public void Info(string part, string message) => Write("INFO", part, message);

    public void Warn(string part, string message) => Write("WARN", part, message);

    private void Write(string level, string part, string message)
    {
        string line = $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {level} {part}: {message.ReplaceLineEndings(" ")}";
        lock (_lock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }
}
