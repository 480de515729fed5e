using System.Net;
using System.Net.Sockets;
using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// CHECK (SPEC.md 1.1.0 section 2). What is expected is what Weft made and prevResult still lists: plugins after it in the chain may have changed the
/// rest, and have to say so in the result. What the result does not track (the neighbor entry, the node's side) is expected as Weft keeps it.
/// </summary>
internal sealed class CheckCommand(CniContext context)
{
    public async Task RunAsync(AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        var previous = PreviousOf(configuration);
        context.RequireNamespace(environment.Netns);
        if (context.Store.Find(key) is not { Kind: HoldKind.Attachment } record)
            throw Unknown(environment);
        var attachment = record.Attachment;
        RequireReservations(record, previous);
        // As the reconcilers leave it when nothing newer waits; CHECK may come while a pass is under way.
        await context.WaitInForceAsync(attachment, cancel);
        var problems = await Task.Run(() => context.Network.Verify(attachment, Expected(record, environment, previous)), cancel);
        if (problems.Count == 0)
            problems = await context.Attachments.DriftAsync(attachment, cancel);
        if (problems.Count > 0)
            throw new CniException(
                CniErrorCode.CheckFailed, $"the network of {CniContext.Describe(attachment)} is not as ADD left it: {string.Join("; ", problems)}",
                "Delete the pod to have it made anew.");
    }

    /// <exception cref="CniException">Code 7.</exception>
    public static CniResult PreviousOf(NetworkConfiguration configuration) => configuration.PreviousResult
        ?? throw new CniException(CniErrorCode.InvalidConfiguration, "prevResult is missing: CHECK needs the result of ADD in the network configuration");

    public static CniException Unknown(CniEnvironment environment) => new(
        CniErrorCode.UnknownContainer, $"container {environment.ContainerId} has no interface {environment.InterfaceName} from Weft on this node");

    /// <summary>"IP reservations": every address that the result gives to this interface, from a range of ours, is held for it.</summary>
    private void RequireReservations(AttachmentRecord record, CniResult previous)
    {
        var attachment = record.Attachment;
        foreach (var ip in previous.Ips)
        {
            if (ip.Interface is { } index && !(index < previous.Interfaces.Count && previous.Interfaces[index].Name == attachment.InterfaceName))
                continue;
            if (!attachment.Addresses.Contains(ip.Address) && context.Store.Cidrs.Any(c => c.Contains(ip.Address)))
                throw new CniException(
                    CniErrorCode.CheckFailed,
                    $"prevResult.ips lists {ip.Address}, which is not held for {CniContext.Describe(attachment)}: that has {CniContext.Addresses(attachment)}");
        }
    }

    private static PodExpectation Expected(AttachmentRecord record, CniEnvironment environment, CniResult previous)
    {
        var attachment = record.Attachment;
        // The container's path may be written otherwise at CHECK (/var/run is /run).
        var listed = previous.Interfaces.FirstOrDefault(i => i.Name == attachment.InterfaceName && i.Sandbox is not null);
        return new PodExpectation(
            environment.Netns,
            listed?.Mac is { } mac && CniMac.TryParse(mac, out var value) ? new MacAddress(value) : MacAddress.Parse(attachment.Mac),
            listed?.Mtu ?? record.Mtu,
            previous.Ips.IsEmpty ? attachment.Addresses : attachment.Addresses.Where(a => previous.Ips.Any(ip => ip.Address.Equals(a))).ToEquatableArray(),
            Gateways(attachment, previous));
    }

    // Ours are expected unless the result has lost them, or has another default route of the family beside them.
    private static EquatableArray<IPAddress> Gateways(Attachment attachment, CniResult previous)
    {
        var gateways = new List<IPAddress>();
        foreach (var address in attachment.Addresses)
        {
            var ipv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
            var (gateway, all) = ipv6 ? (PodGateway.IPv6, IpPrefix.AllIPv6) : (PodGateway.IPv4, IpPrefix.AllIPv4);
            var defaults = previous.Routes.Where(r => r.Destination == all).ToList();
            if (defaults.Count > 0 && defaults.TrueForAll(r => r.Gateway is null || r.Gateway.Equals(gateway)))
                gateways.Add(gateway);
        }
        return [.. gateways];
    }
}
