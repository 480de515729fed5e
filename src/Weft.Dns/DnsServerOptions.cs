using System.Net;

namespace Weft.Dns;

/// <summary>What the DNS server is told by the agent.</summary>
/// <param name="Upstreams">Servers for names that are not the cluster's, in order of preference; with none, such queries are refused.</param>
/// <param name="ServiceAddresses">Addresses of the DNS Service, for the name ns.dns.DOMAIN.</param>
/// <param name="Log">Takes one line for each event that an operator may want to know of.</param>
public sealed record DnsServerOptions(IReadOnlyList<IPEndPoint> Upstreams, IReadOnlyList<IPAddress> ServiceAddresses, Action<string> Log)
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long one upstream server may take, TCP included. Clients wait five seconds by default (resolv.conf(5)), for two servers.</summary>
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Forwarded queries under way at once; beyond them the answer is SERVFAIL.</summary>
    public int MaxInFlight { get; init; } = 1024;

    public int CacheEntries { get; init; } = 4096;

    public int CacheBytes { get; init; } = 4 << 20;

    public int MaxTcpConnections { get; init; } = 256;

    /// <summary>How long a TCP connection may be idle (RFC 7766 section 6.2.3: on the order of seconds).</summary>
    public TimeSpan TcpIdleTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Datagrams received at once on each UDP socket.</summary>
    public int UdpReceivers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <summary>
    /// The name servers of a resolv.conf(5), without those that would lead back to the server itself.
    /// </summary>
    public static IReadOnlyList<IPEndPoint> ReadUpstreams(string resolvConf, IReadOnlyCollection<IPAddress> own)
    {
        var servers = new List<IPEndPoint>();
        foreach (var line in resolvConf.Split('\n'))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var text, ..] && IPAddress.TryParse(text, out var address) && !own.Contains(address))
                servers.Add(new IPEndPoint(address, 53));
        }
        return servers;
    }
}
