using System.Net;
using System.Net.Sockets;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// weft-ipam: addresses for other plugins (SPEC.md 1.1.0 section 4, "Plugin Delegation"). Weft makes no interface, no route and no rule for them.
///
/// An address is given with the prefix length of the node's range, or the one that <c>ipam</c> asks for, so that the plugin's network is one
/// subnet. The subnet's gateway has to be an address that no container gets: unless <c>ipam.gateways</c> names one, an address is set aside for
/// the network at its first ADD and stays so, as bridges keep the address when their last container goes.
/// </summary>
internal sealed class IpamCommand(CniContext context, KeyedLock<AttachmentKey> locks)
{
    /// <summary>What holds a network's gateway: no container's id starts so (SPEC.md section 2, "CNI_CONTAINERID").</summary>
    private const string GatewayHolder = ":gateway";

    public static bool IsGateway(AttachmentKey key) => key.ContainerId == GatewayHolder;

    public async Task<(byte[] Output, AttachmentRecord Made)> AddAsync(
        AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        if (context.Options.NotReady() is { } reason)
            throw new CniException(CniErrorCode.TryAgainLater, $"weft-agent is not ready: {reason}");
        ReleaseLeftover(key);
        var arguments = CniArguments.Parse(environment.Args);
        var record = await context.Source.AllocateAsync(new AttachmentRequest(key, environment.Netns, 0)
        {
            Kind = HoldKind.Delegated,
            Pool = configuration.Ipam!.Pool,
            Pod = arguments is { PodNamespace: { } ns, PodName: { } name } ? new ObjectKey(ns, name) : null,
            PodUid = arguments.PodUid,
            Addresses = configuration.Runtime.Ips.IsEmpty ? arguments.Addresses() : configuration.Runtime.Ips,
        }, cancel);
        try
        {
            var ips = new List<CniIp>();
            foreach (var address in record.Attachment.Addresses)
                ips.Add(await WithPrefixAsync(address, configuration, cancel));
            await context.Store.SyncAsync();
            var result = new CniResult([], [.. ips], configuration.Ipam.Routes, configuration.Ipam.Dns ?? configuration.Dns);
            return (CniJson.IpamResult(configuration.Version, result), record);
        }
        catch
        {
            context.Store.Release(key);
            throw;
        }
    }

    public void Delete(AttachmentKey key)
    {
        if (context.Store.Find(key) is { Kind: HoldKind.Delegated } record)
            context.Detach(record);
    }

    public void Check(AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration)
    {
        if (context.Store.Find(key) is not { Kind: HoldKind.Delegated } record)
            throw new CniException(
                CniErrorCode.UnknownContainer, $"weft-ipam holds no address for {environment.InterfaceName} of container {environment.ContainerId}");
        var previous = CheckCommand.PreviousOf(configuration);
        foreach (var address in record.Attachment.Addresses)
            if (!previous.Ips.Any(ip => ip.Address.Equals(address)))
                throw new CniException(
                    CniErrorCode.CheckFailed, $"{address} is held for {CniContext.Describe(record.Attachment)}, and prevResult.ips does not list it");
    }

    private void ReleaseLeftover(AttachmentKey key)
    {
        if (context.Store.Find(key) is not { } held)
            return;
        // A namespace that has gone took its interfaces along; its path has come back with another container.
        if (held.Kind == HoldKind.Delegated && context.Network.NamespaceProblem(held.Attachment.NetworkNamespace) is not null)
            context.Store.Release(key);
        else
            throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"CNI_CONTAINERID, CNI_IFNAME: {CniContext.Addresses(held.Attachment)} are held already for {key.InterfaceName} of container {key.ContainerId}",
                "Call DEL before another ADD.");
    }

    private async Task<CniIp> WithPrefixAsync(IPAddress address, NetworkConfiguration configuration, CancellationToken cancel)
    {
        var ipam = configuration.Ipam!;
        var ipv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        var bits = ipv6 ? 128 : 32;
        var asked = ipv6 ? ipam.PrefixLengthIPv6 : ipam.PrefixLength;
        var range = context.Store.Cidrs.Where(c => c.Contains(address)).Select(c => (int?)c.Length).FirstOrDefault();
        var length = asked ?? range ?? bits;
        var gateway = ipam.Gateways.FirstOrDefault(g => g.AddressFamily == address.AddressFamily);
        if (gateway is null && length < bits)
            gateway = (await GatewaysAsync(configuration, cancel)).FirstOrDefault(new IpPrefix(address, length).Contains)
                ?? throw new CniException(
                    CniErrorCode.InvalidConfiguration,
                    $"the gateway set aside for network {configuration.Name} is not in {new IpPrefix(address, length)}", "Name one in ipam.gateways.");
        return new CniIp(address, length, gateway);
    }

    private async Task<EquatableArray<IPAddress>> GatewaysAsync(NetworkConfiguration configuration, CancellationToken cancel)
    {
        // Each pool that the network takes from is a subnet of its own.
        var pool = configuration.Ipam!.Pool;
        var key = new AttachmentKey(configuration.Name, GatewayHolder, pool is null ? "gateway" : $"gateway/{pool}");
        using var held = await locks.AcquireAsync(key, cancel);
        var request = new AttachmentRequest(key, "", 0) { Kind = HoldKind.Delegated, Pool = pool };
        var record = context.Store.Find(key) ?? await context.Source.AllocateAsync(request, cancel);
        return record.Attachment.Addresses;
    }
}
