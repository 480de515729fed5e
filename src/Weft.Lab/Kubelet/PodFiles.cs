using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>Text of the files that a kubelet makes for every pod: resolv.conf and hosts.</summary>
internal static class PodFiles
{
    /// <summary>Most search domains and name servers (k8s.io/kubernetes validation of PodDNSConfig).</summary>
    private const int MostSearches = 32;
    private const int MostServers = 3;

    /// <param name="nodeResolvConf">The node's own file, for dnsPolicy Default.</param>
    public static string ResolvConf(JsonObject pod, IReadOnlyList<IPAddress> clusterDns, string clusterDomain, string nodeResolvConf)
    {
        string policy = pod.Str("spec", "dnsPolicy") ?? "ClusterFirst";
        bool hostNetwork = pod.Flag("spec", "hostNetwork");
        var (servers, searches, options) = (new List<string>(), new List<string>(), new List<KeyValuePair<string, string?>>());
        if (policy == "Default" || (policy == "ClusterFirst" && hostNetwork))
        {
            Read(nodeResolvConf, servers, searches, options);
        }
        else if (policy != "None")
        {
            servers.AddRange(clusterDns.Select(a => a.ToString()));
            searches.AddRange([$"{pod.Namespace()}.svc.{clusterDomain}", $"svc.{clusterDomain}", clusterDomain]);
            options.Add(new("ndots", "5"));
        }

        var config = pod.Obj("spec", "dnsConfig");
        servers.AddRange(config.Strings("nameservers"));
        searches.AddRange(config.Strings("searches"));
        foreach (var option in config.Items("options"))
        {
            string name = option.Str("name") ?? "";
            options.RemoveAll(o => o.Key == name);
            options.Add(new(name, option.Str("value")));
        }

        var text = new StringBuilder();
        foreach (string server in servers.Distinct().Take(MostServers))
            text.Append("nameserver ").Append(server).Append('\n');
        if (searches.Count > 0)
            text.Append("search ").AppendJoin(' ', searches.Distinct().Take(MostSearches)).Append('\n');
        if (options.Count > 0)
            text.Append("options ").AppendJoin(' ', options.Select(o => o.Value is null ? o.Key : $"{o.Key}:{o.Value}")).Append('\n');
        return text.ToString();
    }

    private static void Read(string file, List<string> servers, List<string> searches, List<KeyValuePair<string, string?>> options)
    {
        foreach (string line in file.Split('\n'))
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2)
                continue;
            if (words[0] == "nameserver")
                servers.Add(words[1]);
            else if (words[0] == "search")
                searches.AddRange(words[1..]);
            else if (words[0] == "options")
                options.AddRange(words[1..].Select(w => w.Split(':', 2)).Select(p => KeyValuePair.Create(p[0], p.Length > 1 ? p[1] : null)));
        }
    }

    public static string Hosts(JsonObject pod, IReadOnlyList<string> podIps, string clusterDomain)
    {
        var text = new StringBuilder("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        text.Append("fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n");
        string host = HostName(pod);
        foreach (string ip in podIps)
        {
            text.Append(ip).Append('\t');
            if (pod.Str("spec", "subdomain") is { Length: > 0 } subdomain)
                text.Append($"{host}.{subdomain}.{pod.Namespace()}.svc.{clusterDomain}\t");
            text.Append(host).Append('\n');
        }

        foreach (var alias in pod.Items("spec", "hostAliases"))
            text.Append(alias.Str("ip")).Append('\t').AppendJoin('\t', alias.Strings("hostnames")).Append('\n');
        return text.ToString();
    }

    /// <summary>spec.hostname or the pod's name, cut to what a host name may have (63 characters).</summary>
    public static string HostName(JsonObject pod)
    {
        string name = pod.Str("spec", "hostname") is { Length: > 0 } given ? given : pod.Name();
        return name.Length <= 63 ? name : name[..63].TrimEnd('-', '.');
    }
}
