namespace Weft.Agent.Ipam;

/// <summary>How full a range is.</summary>
/// <param name="Capacity">How many addresses it can give in all.</param>
/// <param name="InUse">How many are held.</param>
/// <param name="Resting">How many may not be given again yet.</param>
/// <param name="HasRoom">Whether it can give one now.</param>
public sealed record RangeUsage(NodeRange Range, int Capacity, int InUse, int Resting, bool HasRoom)
{
    public int Free => Math.Max(0, Capacity - InUse - Resting);
}
