namespace Weft.Agent.Garbage;

/// <summary>What is known of a held address's holder.</summary>
internal enum VerdictKind
{
    /// <summary>Nothing speaks against it.</summary>
    Live,

    /// <summary>The API says that it is gone, and proof is missing: kept, and told.</summary>
    Suspect,

    /// <summary>Proved to be gone.</summary>
    Garbage,
}

/// <param name="Reason">A word for metrics; empty for the living.</param>
/// <param name="Proof">A sentence for people.</param>
internal sealed record Verdict(VerdictKind Kind, string Reason = "", string Proof = "")
{
    public static Verdict Live { get; } = new(VerdictKind.Live);
}
