using System.Security.Cryptography;
using System.Text;

namespace Weft.Lab.Topology;

/// <summary>
/// Every name of a lab that exists outside its processes. All follow from the lab's name alone, so that <c>down</c> finds them
/// after any crash and with a damaged state directory.
/// </summary>
public sealed record LabPaths(string Name)
{
    /// <summary>What outlives a reboot: objects, logs, allotted addresses.</summary>
    public static string StateRoot => Environment.GetEnvironmentVariable("WEFT_STATE_DIR") is { Length: > 0 } dir
        ? Path.Combine(dir, "labs") : "/var/lib/weft/labs";

    public const string RuntimeRoot = "/run/weft/labs";

    public string State => Path.Combine(StateRoot, Name);

    public string Runtime => Path.Combine(RuntimeRoot, Name);

    public string TopologyFile => Path.Combine(State, "lab.json");

    public string Database => Path.Combine(State, "api.db");

    /// <summary>For kubectl on this machine: the API at 127.0.0.1.</summary>
    public string Kubeconfig => Path.Combine(State, "kubeconfig");

    /// <summary>For agents: the API at the bridge's address, as nodes reach it.</summary>
    public string NodeKubeconfig => Path.Combine(State, "node.kubeconfig");

    public string DaemonLog => Path.Combine(State, "logs", "daemon.log");

    public string AgentLog(string node) => Path.Combine(State, "logs", node + ".log");

    public string ControlSocket => Path.Combine(Runtime, "control.sock");

    public string LockFile => Path.Combine(RuntimeRoot, Name + ".lock");

    public string NodeState(string node) => Path.Combine(State, "nodes", node);

    public string NodeRuntime(string node) => Path.Combine(Runtime, "nodes", node);

    public string CniConfDir(string node) => Path.Combine(NodeRuntime(node), "net.d");

    public string CniSocket(string node) => Path.Combine(NodeRuntime(node), "cni.sock");

    public string HealthSocket(string node) => Path.Combine(NodeRuntime(node), "health.sock");

    /// <summary>Prefix of every network namespace of the lab; a lab's name holds no hyphen, so prefixes do not overlap.</summary>
    public string NamespacePrefix => $"weft-{Name}-";

    public string UnderlayNamespace => NamespacePrefix + "underlay";

    public string OutsideNamespace => NamespacePrefix + "outside";

    public string NodeNamespace(string node) => NamespacePrefix + node;

    public string PodNamespace(string uid) => NamespacePrefix + "pod-" + ShortHash(uid);

    public string CgroupName => $"weft-{Name}";

    public string BpfPins => $"/sys/fs/bpf/weft-{Name}";

    public static string NetNamespacePath(string name) => "/run/netns/" + name;

    /// <summary>12 hexadecimal digits: 48 bits, enough that two pods of a lab do not meet.</summary>
    public static string ShortHash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
}
