using System.Net;
using System.Net.Sockets;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// ADD (SPEC.md 1.1.0 section 2). The order of its steps is what makes it safe to be killed anywhere: the address is in the journal before
/// anything is made in the kernel, and whatever fails undoes all of it before the error is answered.
///
/// "If an interface of the requested name already exists in the container, the CNI plugin MUST return with an error": whoever made it, Weft
/// included, since the runtime "must not call ADD twice without an intervening DEL". What an ADD left behind whose interface is not in the
/// container (the agent died in it, or the container's id came back with another namespace) is cleared away instead.
/// </summary>
internal sealed class AddCommand(CniContext context)
{
    /// <returns>The result, and what was made, so that it can be undone should the answer not reach the runtime.</returns>
    public async Task<(byte[] Output, AttachmentRecord Made)> RunAsync(
        AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        if (context.Options.NotReady() is { } reason)
            throw new CniException(CniErrorCode.TryAgainLater, $"weft-agent is not ready: {reason}");
        context.RequireNamespace(environment.Netns);
        RequireNoInterface(environment, configuration.PreviousResult);
        var mtu = configuration.Mtu ?? context.Options.PodMtu();
        var request = Request(key, environment.Netns, mtu, configuration, CniArguments.Parse(environment.Args));
        if (context.Store.Find(key) is { Kind: not HoldKind.Attachment } held)
            throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"CNI_CONTAINERID, CNI_IFNAME: weft-ipam holds {CniContext.Addresses(held.Attachment)} for {environment.InterfaceName} of this container, for another plugin of the network");
        await WaitForPodAsync(request, cancel);

        context.Detach(key);
        var record = await context.Source.AllocateAsync(request, cancel);
        try
        {
            // The disk is waited for beside the kernel work, not before it: should the machine die in between, the namespace dies too.
            var durable = context.Store.SyncAsync();
            try
            {
                await AttachAsync(record, cancel);
            }
            finally
            {
                await durable;
            }
        }
        catch (Exception e)
        {
            RollBack(record.Attachment, e);
            throw;
        }
        return (CniJson.Result(configuration.Version, Result(record, configuration, context.Options.ClusterDns).After(configuration.PreviousResult)), record);
    }

    // runtimeConfig before args.cni, which the reader has sorted out, before CNI_ARGS (CONVENTIONS.md, "CNI_ARGS").
    private static AttachmentRequest Request(AttachmentKey key, string netns, int mtu, NetworkConfiguration configuration, CniArguments arguments)
    {
        var runtime = configuration.Runtime;
        return new AttachmentRequest(key, netns, mtu)
        {
            Pod = arguments is { PodNamespace: { } ns, PodName: { } name } ? new ObjectKey(ns, name) : null,
            PodUid = arguments.PodUid,
            Addresses = runtime.Ips.IsEmpty ? arguments.Addresses() : runtime.Ips,
            Mac = (runtime.Mac ?? arguments.HardwareAddress()) is { } mac ? new MacAddress(mac) : null,
            PortMappings = runtime.PortMappings
                .Select(p => new PortMapping((Protocol)p.Protocol, p.HostPort, p.ContainerPort, p.HostIp)).ToEquatableArray(),
            Bandwidth = runtime.Bandwidth is { } b ? new Bandwidth(b.IngressRate, b.IngressBurst, b.EgressRate, b.EgressBurst) : null,
            Aliases = runtime.Aliases,
        };
    }

    private void RequireNoInterface(CniEnvironment environment, CniResult? previous)
    {
        var (name, netns) = (environment.InterfaceName, environment.Netns);
        if (previous?.Interfaces.FirstOrDefault(i => i.Name == name && i.Sandbox is not null) is not null)
            throw Taken(name, $"prevResult.interfaces lists it: a plugin before weft-cni in the chain has made it");
        if (context.Network.HasInterface(netns, name))
            throw Taken(name, $"it is in {netns}");
    }

    private static CniException Taken(string name, string found) =>
        new(CniErrorCode.InvalidEnvironment, $"CNI_IFNAME: an interface {name} exists already: {found}", "Call DEL before another ADD, or give CNI_IFNAME another name.");

    // Policy selects pods by labels, so a pod that the API has not shown here yet has no policy that could be in force.
    private async Task WaitForPodAsync(AttachmentRequest request, CancellationToken cancel)
    {
        if (request.Pod is not { } pod)
            return;
        var timeout = context.Options.PodTimeout;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        try
        {
            await context.Attachments.PodKnownAsync(pod, request.PodUid, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            var uid = string.IsNullOrEmpty(request.PodUid) ? "" : $" with the UID {request.PodUid}";
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"the API server has not shown this node the pod {pod}{uid} within {timeout.TotalSeconds:0.#} s, and its labels decide on its policy",
                "If the pod exists, weft check on this node tells whether the agent hears the API server.");
        }
    }

    private async Task AttachAsync(AttachmentRecord record, CancellationToken cancel)
    {
        var attachment = record.Attachment;
        try
        {
            await Task.Run(() => context.Network.Create(attachment, record.Mtu), cancel);
        }
        catch (PodNetworkException) when (context.Network.NamespaceProblem(attachment.NetworkNamespace) is { } problem)
        {
            throw Vanished(attachment, problem);
        }
        catch (PodNetworkException) when (context.Network.HasInterface(attachment.NetworkNamespace, attachment.InterfaceName))
        {
            throw Taken(attachment.InterfaceName, $"somebody else has made it in {attachment.NetworkNamespace} at the same time");
        }
        // Published when the interface is there, so that one pass does it all. Nothing runs in the container before ADD returns, and nothing
        // finds the way to it before its route, which comes after its policy.
        context.Attachments.Upsert(attachment);
        try
        {
            await context.WaitInForceAsync(attachment, cancel);
        }
        catch (CniException) when (!context.Network.Exists(attachment.HostInterface))
        {
            // Its routes cannot be in force without it; why it is gone is what the runtime must know.
        }
        if (!context.Network.Exists(attachment.HostInterface))
            throw Vanished(attachment, context.Network.NamespaceProblem(attachment.NetworkNamespace) ?? $"{attachment.HostInterface} has been deleted");
    }

    private void RollBack(Attachment attachment, Exception cause)
    {
        context.Options.Log($"ADD for {CniContext.Describe(attachment)} failed and is rolled back: {cause.Message}");
        try
        {
            context.Detach(attachment.Key);
        }
        catch (Exception e) when (e is PodNetworkException or CniException)
        {
            // The runtime answers a failed ADD with DEL, which tries again.
            context.Options.Log($"ADD for {CniContext.Describe(attachment)}: the roll-back failed as well: {e.Message}");
        }
    }

    private static CniResult Result(AttachmentRecord record, NetworkConfiguration configuration, EquatableArray<IPAddress> clusterDns)
    {
        var a = record.Attachment;
        return new CniResult(
            [
                new CniInterface(a.HostInterface, PodGateway.HostMac.ToString(), Mtu: record.Mtu),
                new CniInterface(a.InterfaceName, a.Mac, a.NetworkNamespace, record.Mtu),
            ],
            a.Addresses.Select(x => new CniIp(x, IsIPv6(x) ? 128 : 32, Gateway(x), Interface: 1)).ToEquatableArray(),
            a.Addresses.Select(x => new CniRoute(IsIPv6(x) ? IpPrefix.AllIPv6 : IpPrefix.AllIPv4, Gateway(x))).ToEquatableArray(),
            Dns(a, configuration, clusterDns));
    }

    // "dns" of a result names the servers "that this network is aware of" (section 5): the cluster's, when nobody has named others. Kubelet writes the resolv.conf of pods by their dnsPolicy; other containers' is written by what is answered here.
    private static CniDns Dns(Attachment attachment, NetworkConfiguration configuration, EquatableArray<IPAddress> clusterDns)
    {
        var given = configuration.Runtime.Dns ?? configuration.Dns;
        if (attachment.Pod is not null || !given.Nameservers.IsEmpty || configuration.PreviousResult is { Dns.Nameservers.IsEmpty: false })
            return given;
        return given with
        {
            // Those that it has an address to ask from.
            Nameservers = clusterDns.Where(d => attachment.Addresses.Any(a => a.AddressFamily == d.AddressFamily)).Select(d => d.ToString()).ToEquatableArray(),
        };
    }

    private static CniException Vanished(Attachment attachment, string problem) => new(
        CniErrorCode.UnknownContainer,
        $"the network namespace of {CniContext.Describe(attachment)} vanished during ADD: {problem}",
        "Nothing of it is left; no DEL is needed.");

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static IPAddress Gateway(IPAddress address) => IsIPv6(address) ? PodGateway.IPv6 : PodGateway.IPv4;
}
