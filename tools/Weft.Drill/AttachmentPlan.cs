namespace Weft.Drill;

/// <summary>How an attachment ends.</summary>
internal enum Ending
{
    /// <summary>DEL, as it should be.</summary>
    Delete,

    /// <summary>DEL twice: it must not mind.</summary>
    DeleteTwice,

    /// <summary>The namespace goes first, then DEL without CNI_NETNS.</summary>
    NamespaceFirst,

    /// <summary>The runtime forgets it: GC has to find it, with its namespace still there.</summary>
    Abandon,

    /// <summary>The runtime forgets it and its namespace goes.</summary>
    AbandonWithoutNamespace,
}

/// <summary>What one attachment goes through: drawn from the seed and its number alone, whatever the others do.</summary>
/// <param name="Network">Which of the two networks; GC of one must leave the other alone.</param>
/// <param name="Pod">Whether it is a pod's, known to the API and under a policy.</param>
/// <param name="KillAdd">Milliseconds after its start at which the plugin's first ADD is killed; null for never.</param>
/// <param name="KillDelete">The same of its first DEL.</param>
/// <param name="Checks">How often CHECK asks about it.</param>
/// <param name="Lifetime">How many later attachments of the same worker it outlives.</param>
internal sealed record AttachmentPlan(
    int Index, int Network, bool Pod, bool HostPort, bool Limited, double? KillAdd, double? KillDelete, int Checks, int Lifetime, Ending Ending)
{
    public string ContainerId => $"drill-{Index}";

    public static AttachmentPlan Draw(int seed, int index)
    {
        // Not HashCode: it is salted anew in each process.
        var random = new Random(unchecked(seed * 1_000_003 + index * 7919 + 17));
        var ending = random.Next(100) switch
        {
            < 60 => Ending.Delete,
            < 70 => Ending.DeleteTwice,
            < 85 => Ending.NamespaceFirst,
            < 93 => Ending.Abandon,
            _ => Ending.AbandonWithoutNamespace,
        };
        return new AttachmentPlan(
            index,
            random.Next(4) == 0 ? 1 : 0,
            random.Next(4) == 0,
            random.Next(10) == 0,
            random.Next(25) == 0,
            random.Next(12) == 0 ? 30 * random.NextDouble() : null,
            random.Next(12) == 0 ? 20 * random.NextDouble() : null,
            random.Next(3),
            random.Next(8),
            ending);
    }
}
