using System.Net;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>An interface of a result. <paramref name="Sandbox"/> is the namespace's path, null for one of the host.</summary>
/// <param name="Mtu">Bytes; written from 1.1.0 on.</param>
public sealed record CniInterface(string Name, string? Mac = null, string? Sandbox = null, int? Mtu = null)
{
    /// <summary>Path of a socket that belongs to the interface (vhost-user, for instance); written from 1.1.0 on.</summary>
    public string? SocketPath { get; init; }

    /// <summary>The device's identifier on its bus; written from 1.1.0 on.</summary>
    public string? PciId { get; init; }
}

/// <summary>An address of a result: <paramref name="Interface"/> is an index into the interfaces.</summary>
public sealed record CniIp(IPAddress Address, int PrefixLength, IPAddress? Gateway = null, int? Interface = null);

/// <summary>A route of a result. What comes after the gateway is written from 1.1.0 on.</summary>
/// <param name="Mtu">Bytes along the path.</param>
public sealed record CniRoute(IpPrefix Destination, IPAddress? Gateway = null, int? Mtu = null)
{
    /// <summary>Bytes.</summary>
    public int? AdvertisedMss { get; init; }

    /// <summary>Lower is preferred.</summary>
    public int? Priority { get; init; }

    public uint? Table { get; init; }

    /// <summary>rtm_scope: global 0, link 253, host 254.</summary>
    public int? Scope { get; init; }
}

/// <summary>Name servers and the like that the runtime may write into the container's resolv.conf.</summary>
public sealed record CniDns(
    EquatableArray<string> Nameservers, string? Domain, EquatableArray<string> Search, EquatableArray<string> Options)
{
    public static CniDns Empty { get; } = new([], null, [], []);
}

/// <summary>What ADD answers (SPEC.md 1.1.0 section 5, "ADD Success"), free of version: <see cref="CniJson"/> writes it as one.</summary>
public sealed record CniResult(
    EquatableArray<CniInterface> Interfaces, EquatableArray<CniIp> Ips, EquatableArray<CniRoute> Routes, CniDns Dns)
{
    public static CniResult Empty { get; } = new([], [], [], CniDns.Empty);

    /// <summary>
    /// This result after that of the plugins before it in the chain (SPEC.md section 3, "prevResult"): theirs first, so the indexes they
    /// gave out hold.
    /// </summary>
    public CniResult After(CniResult? previous)
    {
        if (previous is null)
            return this;
        var shift = previous.Interfaces.Count;
        return new CniResult(
            [.. previous.Interfaces, .. Interfaces],
            [.. previous.Ips, .. Ips.Select(ip => ip with { Interface = ip.Interface + shift })],
            [.. previous.Routes, .. Routes],
            Dns == CniDns.Empty ? previous.Dns : Dns);
    }
}
