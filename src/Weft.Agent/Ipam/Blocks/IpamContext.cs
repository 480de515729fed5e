using Weft.Kubernetes.Ipam;
using Weft.Model;
using Weft.Store;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>What every part of a node's address management works with.</summary>
/// <param name="Config">As the command line gives it.</param>
/// <param name="Cluster">What the watches told: it may be late, but not wrong about what once was.</param>
/// <param name="Api">What is true now.</param>
/// <param name="Log">Takes one line for each event that an operator may want to know of.</param>
public sealed record IpamContext(
    NodeConfig Config, AddressStore Addresses, ClusterStore Cluster, IBlockApi Api, TimeProvider Time, IpamTimes Times, Action<string> Log)
{
    public string Node => Config.NodeName;
}
