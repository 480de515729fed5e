using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Kubelet;

/// <summary>Turns a container's spec into what the launcher carries out, and knows where a pod's files lie.</summary>
internal sealed class ContainerFiles(NodeContext node, string uid)
{
    private const string SampleImages = "weft.dev/sample/";
    private const string Search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static int _execs;

    public string SpecFile(string container) => Path.Combine(node.PodRuntime(uid), container + ".json");

    public string ExecSpecFile() =>
        Path.Combine(node.PodRuntime(uid), $"exec-{Interlocked.Increment(ref _execs).ToString(CultureInfo.InvariantCulture)}.json");

    public string LogFile(JsonObject pod, string container, int restart) => Path.Combine(
        node.PodState(uid), "logs", container, restart.ToString(CultureInfo.InvariantCulture) + ".log");

    /// <summary>Writes resolv.conf and hosts of a pod.</summary>
    public void WriteCommon(JsonObject pod, Sandbox sandbox)
    {
        Directory.CreateDirectory(node.PodRuntime(uid));
        string host = File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : "";
        // A node of the lab asks the lab's relay; the machine's own servers are out of its reach.
        string nodeResolv = string.Concat(node.Topology.BridgeAddresses.Select(a => $"nameserver {a}\n")) +
            string.Join('\n', host.Split('\n').Where(l => !l.TrimStart().StartsWith("nameserver", StringComparison.Ordinal)));
        File.WriteAllText(ResolvConf, PodFiles.ResolvConf(pod, node.Topology.DnsAddresses, LabTopology.ClusterDomain, nodeResolv));
        File.WriteAllText(Hosts, PodFiles.Hosts(pod, sandbox.Ips, LabTopology.ClusterDomain));
    }

    private string ResolvConf => Path.Combine(node.PodRuntime(uid), "resolv.conf");

    private string Hosts => Path.Combine(node.PodRuntime(uid), "hosts");

    /// <exception cref="ContainerConfigException">The spec cannot be carried out here.</exception>
    public ContainerSpec Spec(JsonObject container, JsonObject pod, PodContext context, Sandbox sandbox, PodVolumes volumes, string id)
    {
        string name = container.Str("name") ?? "";
        var environment = PodEnvironment.Of(container, context);
        string host = PodFiles.HostName(pod);
        bool hostNetwork = pod.Flag("spec", "hostNetwork");
        environment.TryAdd("PATH", $"{Search}:{LabBinaries.Samples}");
        environment.TryAdd("HOME", "/root");
        environment["HOSTNAME"] = hostNetwork ? node.Node.Name : host;
        string scratch = Path.Combine(node.PodRuntime(uid), "root-" + name);
        Directory.CreateDirectory(scratch);
        return new ContainerSpec
        {
            Command = Command(container, environment),
            Environment = environment,
            NetNamespacePath = sandbox.NetNsPath,
            CgroupPath = node.PodGroup(uid).Child(name).Path,
            HostName = hostNetwork ? node.Node.Name : host,
            WorkingDirectory = container.Str("workingDir") is { Length: > 0 } directory ? directory : null,
            ScratchDirectory = scratch,
            Mounts =
            [
                new ContainerMount(ResolvConf, "/etc/resolv.conf"),
                new ContainerMount(Hosts, "/etc/hosts"),
                .. volumes.MountsOf(container, pod, environment),
            ],
            UserId = Id(container, pod, "runAsUser"),
            GroupId = Id(container, pod, "runAsGroup"),
        };
    }

    private static uint? Id(JsonObject container, JsonObject pod, string field) =>
        (uint?)(container.Num("securityContext", field) ?? pod.Num("spec", "securityContext", field));

    /// <summary>
    /// No image is pulled. <c>command</c> says what to run, and <c>weft.dev/sample/PROGRAM[:TAG]</c> stands for a program of the samples.
    /// </summary>
    internal static IReadOnlyList<string> Command(JsonObject container, IReadOnlyDictionary<string, string> environment)
    {
        var arguments = container.Strings("args").Select(a => PodEnvironment.Expand(a, environment));
        var command = container.Strings("command").Select(c => PodEnvironment.Expand(c, environment)).ToList();
        if (command.Count > 0)
            return [.. command, .. arguments];
        string image = container.Str("image") ?? "";
        if (!image.StartsWith(SampleImages, StringComparison.Ordinal))
        {
            throw new ContainerConfigException(
                $"the lab pulls no images, so image \"{image}\" brings no command: set command, or use {SampleImages}PROGRAM");
        }

        string program = image[SampleImages.Length..].Split(':', '@')[0];
        string path = Path.Combine(LabBinaries.Samples, program);
        if (program.Contains('/', StringComparison.Ordinal) || !File.Exists(path))
            throw new ContainerConfigException($"image \"{image}\": there is no program {path}");
        return [path, .. arguments];
    }
}
