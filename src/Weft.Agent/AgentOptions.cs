using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Weft.Agent.Ipam;
using Weft.Kernel;
using Weft.Kubernetes.Watch;
using Weft.Primitives;

namespace Weft.Agent;

/// <summary>What the agent is told on its command line.</summary>
internal sealed record AgentOptions(
    string Node,
    string? Kubeconfig,
    string CniConfDir,
    string CniSocket,
    string StateDir,
    string HealthSocket,
    string UnderlayLink,
    EquatableArray<IpPrefix> ClusterCidrs,
    EquatableArray<IpPrefix> ServiceCidrs,
    EquatableArray<IPAddress> ClusterDns,
    string ClusterDomain,
    EquatableArray<IPEndPoint> DnsUpstreams,
    TimeSpan AddressRest,
    string? CriSocket,
    TimeSpan CollectAfter)
{
    /// <summary>Reads the command line and runs the agent with it; a mistake is explained on standard error with exit status 1.</summary>
    public static Task<int> ParseAndRunAsync(string[] args, Func<AgentOptions, CancellationToken, Task<int>> run)
    {
        var node = new Option<string>("--node") { Description = "Name of the Node object this agent serves", Required = true };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Kubeconfig file; the pod's service account without it" };
        var confDir = new Option<string>("--cni-conf-dir") { DefaultValueFactory = _ => "/etc/cni/net.d", Description = "Where the CNI configuration appears once the agent can serve" };
        var socket = new Option<string>("--cni-socket") { DefaultValueFactory = _ => "/run/weft/agent.sock", Description = "Unix socket for weft-cni" };
        var state = new Option<string>("--state-dir") { DefaultValueFactory = _ => "/var/lib/weft", Description = "Where address assignments are kept" };
        var health = new Option<string>("--health-socket") { DefaultValueFactory = _ => "/run/weft/health.sock", Description = "Unix socket for health, tables and metrics" };
        var underlay = new Option<string>("--underlay-link") { DefaultValueFactory = _ => "eth0", Description = "Device towards the other nodes" };
        var cluster = Many<IpPrefix>("--cluster-cidr", Prefix, "Prefix that holds every pod, one a family");
        var service = Many<IpPrefix>("--service-cidr", Prefix, "Prefix of Service addresses, one a family");
        var dns = Many<IPAddress>("--cluster-dns", Address, "Address of the cluster DNS Service, answered by this agent");
        var domain = new Option<string>("--cluster-domain") { DefaultValueFactory = _ => "cluster.local", Description = "DNS domain of the cluster" };
        var upstream = Many<IPEndPoint>("--dns-upstream", EndPoint, "DNS server (address or address:port) for names outside the cluster; those of /etc/resolv.conf without it");
        var rest = new Option<double>("--address-rest") { DefaultValueFactory = _ => 10, Description = "Seconds that a released address rests before another pod may have it" };
        rest.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0 and <= 86400))
                result.AddError("--address-rest: use 0 to 86400 seconds");
        });

        var cri = new Option<string?>("--cri-socket") { Description = "Unix socket of the container runtime (CRI), asked before a lost pod's address is freed; containerd's or CRI-O's without it" };
        var collect = new Option<double>("--collect-after") { DefaultValueFactory = _ => 120, Description = "Seconds for which the proof against an address's holder must last before the address is freed" };
        collect.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0 and <= 86400))
                result.AddError("--collect-after: use 0 to 86400 seconds");
        });

        var root = new RootCommand("The node agent of Weft: pod network, Services, policy and DNS of one node.")
        {
            node, kubeconfig, confDir, socket, state, health, underlay, cluster, service, dns, domain, upstream, rest, cri, collect,
        };
        root.SetAction((result, cancel) => ExplainAsync(run(
            new AgentOptions(
                result.GetRequiredValue(node),
                result.GetValue(kubeconfig),
                result.GetRequiredValue(confDir),
                result.GetRequiredValue(socket),
                result.GetRequiredValue(state),
                result.GetRequiredValue(health),
                result.GetRequiredValue(underlay),
                (result.GetValue(cluster) ?? []).ToEquatableArray(),
                (result.GetValue(service) ?? []).ToEquatableArray(),
                (result.GetValue(dns) ?? []).ToEquatableArray(),
                result.GetRequiredValue(domain),
                (result.GetValue(upstream) ?? []).ToEquatableArray(),
                TimeSpan.FromSeconds(result.GetValue(rest)),
                result.GetValue(cri),
                TimeSpan.FromSeconds(result.GetValue(collect))),
            cancel)));
        return root.Parse(args).InvokeAsync();
    }

    /// <summary>How the node's addresses are kept.</summary>
    public AddressStoreOptions Addresses() => new() { Rest = AddressRest, Boot = AddressStoreOptions.BootOfMachine() };

    // What an operator can mend is told in a sentence; the rest keeps its stack for those who mend the agent.
    private static async Task<int> ExplainAsync(Task<int> running)
    {
        try
        {
            return await running;
        }
        catch (Exception e) when (e is AddressStoreException or KernelException or ApiConfigException or IOException)
        {
            await Console.Error.WriteLineAsync($"weft-agent cannot run: {e.Message}");
            return 1;
        }
    }

    private delegate bool TryParse<T>(string text, out T value);

    // Repeatable, and each value may be a comma-separated list as kubelet and kube-proxy take it.
    private static Option<T[]> Many<T>(string name, TryParse<T> parse, string description) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => ParseMany(name, parse, result),
    };

    private static T[] ParseMany<T>(string name, TryParse<T> parse, ArgumentResult result)
    {
        var values = new List<T>();
        foreach (var text in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            if (parse(text, out var value))
                values.Add(value);
            else
                result.AddError($"{name}: '{text}' cannot be read");
        }
        return [.. values];
    }

    private static bool Prefix(string text, out IpPrefix prefix) => IpPrefix.TryParse(text, out prefix);

    private static bool Address(string text, out IPAddress address) => IPAddress.TryParse(text, out address!);

    private static bool EndPoint(string text, out IPEndPoint endPoint)
    {
        const int DnsPort = 53;
        if (IPAddress.TryParse(text, out var address))
        {
            endPoint = new IPEndPoint(address, DnsPort);
            return true;
        }
        return IPEndPoint.TryParse(text, out endPoint!);
    }
}
