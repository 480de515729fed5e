using System.Globalization;
using System.Text;
using Weft.Agent.Ipam;
using Weft.Wire.Cni;

namespace Weft.Fuzz;

/// <summary>
/// Readers of what comes from outside, each with what must hold of any input: no exception but the reader's own, and what was read survives being
/// written and read again.
/// </summary>
internal static class FuzzTargets
{
    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new SortedDictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["agent-protocol"] = AgentProtocolFrame,
        ["cni-args"] = CniArgs,
        ["cni-config"] = CniConfig,
        ["cni-result"] = CniResultText,
        ["journal-line"] = JournalLine,
    };

    private static void CniConfig(byte[] bytes)
    {
        foreach (var (strict, delegated) in ((bool, bool)[])[(true, false), (false, false), (true, true), (false, true)])
        {
            if (!TryRead(() => CniConfigurationReader.Read(bytes, strict, delegated), out var configuration))
                continue;
            Require(CniNames.CheckNetworkName(configuration.Name) is null, "the network's name was let through");
            Require(configuration.AgentSocket.StartsWith('/'), "the socket's path was let through");
            if (configuration.PreviousResult is { } previous)
                RequireSame(previous);
            if (TryRead(() => CniConfigurationReader.Read(bytes, strict, delegated), out var again))
                Require(again == configuration, "reading twice gives two configurations");
        }
        TryRead(() => CniConfigurationReader.ReadVersion(bytes), out _);
    }

    private static void CniResultText(byte[] bytes)
    {
        if (TryRead(() => CniConfigurationReader.ReadResult(bytes), out var result))
            RequireSame(result);
    }

    private static void CniArgs(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        TryRead(
            () => CniEnvironment.Read(name => name switch
            {
                "CNI_COMMAND" => "ADD",
                "CNI_ARGS" => "",
                _ => text,
            }),
            out _);
        if (!TryRead(() => CniArguments.Parse(text), out var arguments))
            return;
        TryRead(() => arguments.Addresses(), out _);
        TryRead(() => arguments.HardwareAddress(), out _);
        var written = string.Join(';', new[]
        {
            ("K8S_POD_NAMESPACE", arguments.PodNamespace), ("K8S_POD_NAME", arguments.PodName), ("K8S_POD_UID", arguments.PodUid),
            ("K8S_POD_INFRA_CONTAINER_ID", arguments.InfraContainerId), ("IP", arguments.Ip), ("MAC", arguments.Mac),
        }.Select(pair => $"{pair.Item1}={pair.Item2}"));
        Require(written.Length > CniArguments.MaxLength || CniArguments.Parse(written) == arguments, "CNI_ARGS written again reads otherwise");
    }

    private static void AgentProtocolFrame(byte[] bytes)
    {
        if (bytes.Length >= AgentProtocol.HeaderBytes)
            TryRead(() => AgentProtocol.ReadHeader(bytes), out _);
        if (TryRead(() => AgentProtocol.ReadRequest(bytes), out var request))
        {
            var again = AgentProtocol.ReadRequest(Body(AgentProtocol.Write(request)));
            Require(again.Environment == request.Environment && again.Delegated == request.Delegated, "a request written again reads otherwise");
            Require(again.Configuration.Span.SequenceEqual(request.Configuration.Span), "a request's configuration has changed on the way");
        }
        if (TryRead(() => AgentProtocol.ReadResponse(bytes), out var response))
        {
            var again = AgentProtocol.ReadResponse(Body(AgentProtocol.Write(response)));
            Require(again.Failed == response.Failed && again.Output.Span.SequenceEqual(response.Output.Span), "a response written again reads otherwise");
        }
    }

    // The input is the line's JSON: with the checksum before it, which no fuzzer would find, and without.
    private static void JournalLine(byte[] bytes)
    {
        JournalEntry.TryParse(bytes);
        var line = (byte[])[.. Encoding.ASCII.GetBytes(StableHash.Of(bytes).ToString("x16", CultureInfo.InvariantCulture)), (byte)' ', .. bytes];
        if (JournalEntry.TryParse(line) is not { } entry)
            return;
        switch (entry.Op)
        {
            case JournalOp.Add:
                var record = entry.ToRecord();
                var again = JournalEntry.TryParse(JournalEntry.Add(record).ToLine().AsSpan()[..^1])?.ToRecord();
                Require(again == record, "an attachment written again reads otherwise");
                break;
            case JournalOp.Rest:
                Require(entry.ParseResting().Count() == entry.Addresses!.Length, "resting addresses are lost");
                break;
        }
        var rewritten = entry.ToLine();
        Require(
            JournalEntry.TryParse(rewritten.AsSpan()[..^1]) is { } same && same.ToLine().AsSpan().SequenceEqual(rewritten), "a line written again reads otherwise");
    }

    private static void RequireSame(CniResult result)
    {
        var newest = CniConfigurationReader.ReadResult(CniJson.Result(CniVersion.V110, result));
        Require(newest == result, "a result written again reads otherwise");
        foreach (var version in Enum.GetValues<CniVersion>())
        {
            var written = CniJson.Result(version, result);
            var again = CniJson.Result(version, CniConfigurationReader.ReadResult(written));
            Require(written.AsSpan().SequenceEqual(again), $"a result of {version.Text()} written again reads otherwise");
        }
    }

    private static ReadOnlyMemory<byte> Body(byte[] frame) => frame.AsMemory(AgentProtocol.HeaderBytes);

    // Anything but the readers' own exception passes through, to the fuzzer.
    private static bool TryRead<T>(Func<T> read, out T value)
    {
        try
        {
            value = read();
            return true;
        }
        catch (CniException e)
        {
            Require(e.Message.Length is > 0 and < 4096, "an error of no use");
            // What would be printed has to be printable.
            CniJson.Error(CniVersion.V110, e);
            value = default!;
            return false;
        }
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
            throw new InvalidOperationException(otherwise);
    }
}
