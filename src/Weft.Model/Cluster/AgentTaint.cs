namespace Weft.Model.Cluster;

/// <summary>
/// The taint that keeps pods off a node until its agent can serve: put by whoever registers the node (kubelet's --register-with-taints),
/// taken away by the agent, which never puts it back.
/// </summary>
public static class AgentTaint
{
    public const string Key = "weft.dev/agent-not-ready";

    public const string Effect = "NoSchedule";
}
