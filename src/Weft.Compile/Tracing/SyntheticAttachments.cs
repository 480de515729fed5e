using System.Net;
using Weft.Compile.Tables;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tracing;

/// <summary>
/// Attachments as a node's agent would hold them, made up from the API's pods. Whoever traces a cluster without asking its agents
/// compiles with these.
/// </summary>
public static class SyntheticAttachments
{
    /// <summary>The snapshot as the agent of <paramref name="nodeName"/> has it: with one attachment for every pod that runs there.</summary>
    public static ClusterSnapshot For(ClusterSnapshot snapshot, string nodeName)
    {
        var attachments = snapshot.Attachments.Clear();
        foreach (var workload in snapshot.Workloads.Values)
        {
            if (workload.HostNetwork || workload.NodeName != nodeName || workload.Addresses.IsEmpty)
                continue;
            var id = ContentHash.Of(workload.Key.ToString());
            var attachment = new Attachment(
                id, "eth0", workload.Key, workload.Uid, workload.Addresses, "weft" + id[..10], Mac(workload.Addresses[0]), $"/var/run/netns/{id}")
            {
                PortMappings = workload.HostPorts,
            };
            attachments = attachments.SetItem(attachment.Key, attachment);
        }
        return snapshot with { Attachments = attachments };
    }

    private static string Mac(IPAddress address) =>
        new MacAddress(0x02_00_00_00_00_00 | (ulong)(IpPrefix.ToBits(address) & uint.MaxValue)).ToString();
}
