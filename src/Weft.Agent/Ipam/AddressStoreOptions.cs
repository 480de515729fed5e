namespace Weft.Agent.Ipam;

/// <summary>How an address store behaves.</summary>
public sealed record AddressStoreOptions
{
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>How long a released address rests before another container may have it.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What tells the machine's boots apart; null when nothing does, and then a reboot is not noticed.</summary>
    public string? Boot { get; init; }

    /// <summary>The machine's boot now (random(4), /proc interfaces); null without /proc.</summary>
    public static string? BootOfMachine() => File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : null;
}
