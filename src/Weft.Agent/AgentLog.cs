using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Weft.Agent;

/// <summary>One line an event on standard error.</summary>
internal sealed partial class AgentLog : IDisposable
{
    private readonly ILoggerFactory _factory = LoggerFactory.Create(builder => builder
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));

    public ILogger For(string category) => _factory.CreateLogger(category);

    /// <summary>For those who only ever say that something happened.</summary>
    public Action<string> Lines(string category)
    {
        var logger = For(category);
        return line => LogLine(logger, line);
    }

    /// <summary>Says what ended the agent; returns its exit status.</summary>
    public int Fail(Exception? problem)
    {
        LogEnded(For("agent"), problem?.GetBaseException().ToString() ?? "stopped");
        return 1;
    }

    public void Dispose() => _factory.Dispose();

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    private static partial void LogLine(ILogger logger, string line);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Problem}")]
    private static partial void LogEnded(ILogger logger, string problem);
}
