using System.Globalization;
using System.Net;
using Weft.Compile.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <summary>What runtimes are told when there is no address.</summary>
internal static class StoreErrors
{
    public static CniException WriteFailure(Exception e) =>
        new(CniErrorCode.IoFailure, $"the address store cannot be written: {e.Message}", "Check the free space and health of the disk that holds it.", e);

    public static CniException NoRange(string nodeName) => new(
        CniErrorCode.TryAgainLater,
        $"node {(nodeName.Length == 0 ? "of this agent" : nodeName)} has no pod CIDR yet (spec.podCIDRs is empty) and no block of a pool that serves this pod",
        "The controller manager allots pod CIDRs (--allocate-node-cidrs), an IPPool gives blocks; kubectl get node -o yaml and kubectl get ippools show them.");

    /// <param name="ranges">Those that a choice allows.</param>
    public static CniException NoRoom(string nodeName, IReadOnlyList<(NodeRange Range, AddressRange Addresses)> ranges, TimeSpan now) =>
        ranges.Count == 0 ? NoRange(nodeName) : Exhausted(nodeName, ranges, now);

    /// <param name="ranges">Those that were tried, none of which has an address.</param>
    private static CniException Exhausted(string nodeName, IReadOnlyList<(NodeRange Range, AddressRange Addresses)> ranges, TimeSpan now)
    {
        var all = ranges.Select(r => r.Addresses).ToList();
        var which = ranges.Count == 1 ? $"{ranges[0].Range.Name} of node {nodeName} is" : $"{string.Join(", ", ranges.Select(r => r.Range.Name))} of node {nodeName} are";
        var message = $"{which} exhausted: {all.Sum(a => a.InUse)} of {all.Sum(a => a.Capacity)} addresses are in use";
        var resting = all.Sum(a => a.RestingCount);
        var next = all.Min(a => a.NextReady);
        if (resting > 0 && next is { } ready)
            message += string.Create(CultureInfo.InvariantCulture, $", {resting} rest after use and the next of them is free in {Math.Max(0.1, (ready - now).TotalSeconds):0.#} s");
        return new CniException(
            CniErrorCode.TryAgainLater, message,
            "Move pods to other nodes, add an IPPool, or give the nodes larger pod CIDRs (--node-cidr-mask-size) and recreate this one.");
    }

    /// <param name="problem">A sentence that names the pool.</param>
    public static CniException NoPool(string problem, string pool) => new(
        CniErrorCode.InvalidConfiguration, $"ipam.pool is '{pool}': {problem}", "kubectl get ippools shows the pools; name one of them in the network configuration, or none.");

    public static CniException Taken(IPAddress address, AttachmentRecord holder) => new(
        CniErrorCode.TryAgainLater,
        $"address {address} was asked for, which {Describe(holder)} holds since {holder.Created.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}",
        $"weft ipam why {address} tells more about its holder.");

    public static CniException NotOfPods(IPAddress address, string why) => new(
        CniErrorCode.InvalidConfiguration, $"address {address} was asked for, which {why}", "Ask for another address, or for none.");

    public static string Describe(AttachmentRecord record)
    {
        var container = $"container {record.Key.ContainerId} ({record.Key.InterfaceName} of network {record.Key.Network})";
        return record.Attachment.Pod is { } pod ? $"pod {pod}, {container}" : container;
    }
}
