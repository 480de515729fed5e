using System.Net;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>How one try of a flow ended.</summary>
/// <param name="Server">Who answered; null when nobody did or the server does not say.</param>
/// <param name="Seen">The client's address as the server saw it.</param>
/// <param name="Detail">The kernel's words, for people.</param>
internal sealed record Outcome(FlowVerdict Verdict, string? Server = null, IPAddress? Seen = null, string Detail = "")
{
    public static Outcome NoAnswer => new(FlowVerdict.Deny, Detail: "no answer");

    public override string ToString() =>
        $"{Verdict.ToString().ToLowerInvariant()}{(Server is null ? "" : $" by {Server}")}{(Seen is null ? "" : $" seen as {Seen}")}{(Detail.Length == 0 ? "" : $" ({Detail})")}";
}
