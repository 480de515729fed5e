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
/// What ADD, DEL, CHECK, GC and STATUS do (SPEC.md 1.1.0 section 2). The order within ADD is what makes it safe to be killed anywhere: the
/// address is in the journal before anything is made in the kernel, and whatever fails undoes all of it before the error is answered.
/// </summary>
public sealed class CniOperations(AddressStore store, IAttachments attachments, IPodNetwork network, CniServerOptions options)
{
    private readonly KeyedLock<AttachmentKey> _locks = new();

    /// <summary>
    /// Takes over what an earlier agent on this node left: attachments whose interface still exists go back into the store of the agent, so
    /// that their routes and policy stay in force; the rest are freed. To be called once the pod CIDRs are known, before serving.
    /// </summary>
    /// <returns>How many attachments were kept and how many were freed.</returns>
    public (int Kept, int Dropped) Restore()
    {
        var (kept, dropped) = (0, 0);
        foreach (var record in store.Attachments)
        {
            var attachment = record.Attachment;
            if (network.Exists(attachment.HostInterface))
            {
                attachments.Upsert(attachment);
                kept++;
                continue;
            }
            options.Log($"{Describe(attachment)}: its interface {attachment.HostInterface} is gone; freeing {Addresses(attachment)}");
            store.Release(attachment.Key);
            dropped++;
        }
        return (kept, dropped);
    }

    /// <summary>Does what a request asks; every failure becomes an error object (SPEC.md section 5).</summary>
    public async Task<AgentResponse> HandleAsync(AgentRequest request, CancellationToken cancel)
    {
        var version = CniVersions.Newest;
        try
        {
            version = CniConfigurationReader.ReadVersion(request.Configuration);
            var environment = request.Environment;
            environment.Validate();
            var strict = environment.Command is not (CniCommand.Del or CniCommand.Gc);
            var configuration = CniConfigurationReader.Read(request.Configuration, strict);
            var output = await RunAsync(environment, configuration, cancel);
            return new AgentResponse(false, output);
        }
        catch (CniException e)
        {
            return new AgentResponse(true, CniJson.Error(version, e));
        }
        catch (PodNetworkException e)
        {
            return new AgentResponse(true, CniJson.Error(version, new CniException(CniErrorCode.KernelFailure, e.Message)));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return new AgentResponse(true, CniJson.Error(version, new CniException(CniErrorCode.TryAgainLater, "weft-agent is stopping; try again once it runs")));
        }
        catch (Exception e)
        {
            options.Log($"{request.Environment.Command.Text()} for container {request.Environment.ContainerId}: {e}");
            return new AgentResponse(
                true, CniJson.Error(version, new CniException(CniErrorCode.Internal, $"weft-agent failed: {e.GetType().Name}: {e.Message}", "Its log has more.")));
        }
    }

    private async Task<ReadOnlyMemory<byte>> RunAsync(CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        if (!configuration.Version.Has(environment.Command))
            throw new CniException(
                CniErrorCode.IncompatibleVersion, $"cniVersion {configuration.Version.Text()} of the configuration has no {environment.Command.Text()}");
        if (environment.Command == CniCommand.Status)
        {
            Status();
            return default;
        }
        if (environment.Command == CniCommand.Gc)
        {
            await CollectAsync(configuration, cancel);
            return default;
        }
        var key = new AttachmentKey(configuration.Name, environment.ContainerId, environment.InterfaceName);
        using var held = await _locks.AcquireAsync(key, cancel);
        switch (environment.Command)
        {
            case CniCommand.Add:
                return await AddAsync(key, environment, configuration, cancel);
            case CniCommand.Del:
                await Task.Run(() => Detach(key), cancel);
                return default;
            case CniCommand.Check:
                await CheckAsync(key, environment, configuration, cancel);
                return default;
            default:
                throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_COMMAND {environment.Command.Text()} is not one for the agent");
        }
    }

    private async Task<byte[]> AddAsync(AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        if (options.NotReady() is { } reason)
            throw new CniException(CniErrorCode.TryAgainLater, $"weft-agent is not ready: {reason}");
        RequireNamespace(environment.Netns);
        var arguments = CniArguments.Parse(environment.Args);
        var mtu = configuration.Mtu ?? options.PodMtu();

        var existing = store.Find(key);
        if (existing is not null && existing.Attachment.NetworkNamespace != environment.Netns)
            // The container's id came back with another namespace: what was made in the old one must not linger.
            Detach(key);

        var record = store.Allocate(Request(key, environment.Netns, mtu, configuration, arguments));
        try
        {
            // The disk is waited for beside the kernel work, not before it: should the machine die in between, the namespace dies too.
            var durable = store.SyncAsync();
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
        return CniJson.Result(configuration.Version, Result(record, configuration).After(configuration.PreviousResult));
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

    private async Task AttachAsync(AttachmentRecord record, CancellationToken cancel)
    {
        var attachment = record.Attachment;
        try
        {
            await Task.Run(() => network.Create(attachment, record.Mtu), cancel);
        }
        catch (PodNetworkException) when (network.NamespaceProblem(attachment.NetworkNamespace) is { } problem)
        {
            throw Vanished(attachment, problem);
        }
        // Published when the interface is there, so that one pass does it all. Nothing runs in the container before ADD returns, and nothing
        // finds the way to it before its route, which comes after its policy.
        attachments.Upsert(attachment);
        try
        {
            await WaitInForceAsync(attachment, options.InForceTimeout, cancel);
        }
        catch (CniException) when (!network.Exists(attachment.HostInterface))
        {
            // Its routes cannot be in force without it; why it is gone is what the runtime must know.
        }
        if (!network.Exists(attachment.HostInterface))
            throw Vanished(attachment, network.NamespaceProblem(attachment.NetworkNamespace) ?? $"{attachment.HostInterface} has been deleted");
    }

    private async Task WaitInForceAsync(Attachment attachment, TimeSpan timeout, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        AttachmentStatus status;
        try
        {
            status = await attachments.InForceAsync(attachment, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            status = new AttachmentStatus(false);
        }
        if (!status.InForce)
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"routes and policy of {Describe(attachment)} are not in force: {status.Problem ?? $"not applied within {timeout.TotalSeconds:0.#} s"}",
                "weft show drift, on this node, tells what the kernel refused.");
    }

    private void RollBack(Attachment attachment, Exception cause)
    {
        options.Log($"ADD for {Describe(attachment)} failed and is rolled back: {cause.Message}");
        try
        {
            Detach(attachment.Key);
        }
        catch (Exception e) when (e is PodNetworkException or CniException)
        {
            // The runtime answers a failed ADD with DEL, which tries again.
            options.Log($"ADD for {Describe(attachment)}: the roll-back failed as well: {e.Message}");
        }
    }

    /// <summary>Undoes an attachment; without one there is nothing to do, which is success (SPEC.md section 2, "DEL").</summary>
    private void Detach(AttachmentKey key)
    {
        if (store.Find(key) is not { } record)
            return;
        // The interface before the address: an address must not be handed out while another interface may still have it.
        network.Delete(record.Attachment.HostInterface);
        attachments.Remove(key);
        store.Release(key);
    }

    private async Task CheckAsync(AttachmentKey key, CniEnvironment environment, NetworkConfiguration configuration, CancellationToken cancel)
    {
        if (configuration.PreviousResult is not { } previous)
            throw new CniException(CniErrorCode.InvalidConfiguration, "prevResult is missing: CHECK needs the result of ADD in the network configuration");
        RequireNamespace(environment.Netns);
        if (store.Find(key) is not { } record)
            throw new CniException(
                CniErrorCode.UnknownContainer, $"container {environment.ContainerId} has no interface {environment.InterfaceName} from Weft on this node");
        var attachment = record.Attachment;
        foreach (var address in attachment.Addresses)
            if (!previous.Ips.Any(ip => ip.Address.Equals(address)))
                throw new CniException(
                    CniErrorCode.CheckFailed, $"{Describe(attachment)} has the address {address}, which prevResult.ips does not list");
        var problems = await Task.Run(() => network.Verify(attachment, record.Mtu), cancel);
        if (problems.Count > 0)
            throw new CniException(
                CniErrorCode.CheckFailed, $"the network of {Describe(attachment)} is not as ADD left it: {string.Join("; ", problems)}",
                "Delete the pod to have it made anew.");
        await WaitInForceAsync(attachment, options.InForceTimeout, cancel);
    }

    private async Task CollectAsync(NetworkConfiguration configuration, CancellationToken cancel)
    {
        // An absent list must not be read as an empty one: that would take every pod's network away.
        if (configuration.ValidAttachments is not { } valid)
            throw new CniException(CniErrorCode.InvalidConfiguration, "cni.dev/valid-attachments is missing: GC needs the list of attachments to keep");
        var keep = valid.Select(v => new AttachmentKey(configuration.Name, v.ContainerId, v.InterfaceName)).ToHashSet();
        var failures = new List<string>();
        foreach (var stale in store.Attachments.Where(r => r.Key.Network == configuration.Name && !keep.Contains(r.Key)))
        {
            using var held = await _locks.AcquireAsync(stale.Key, cancel);
            try
            {
                await Task.Run(() => Detach(stale.Key), cancel);
                options.Log($"GC: freed {Addresses(stale.Attachment)} of {Describe(stale.Attachment)}");
            }
            catch (Exception e) when (e is PodNetworkException or CniException)
            {
                failures.Add($"{Describe(stale.Attachment)}: {e.Message}");
            }
        }
        if (failures.Count > 0)
            throw new CniException(CniErrorCode.KernelFailure, $"GC could not free {failures.Count} attachment(s): {string.Join("; ", failures)}");
    }

    private void Status()
    {
        if (options.NotReady() is { } reason)
            throw new CniException(CniErrorCode.NotAvailable, $"weft-agent cannot serve ADD: {reason}");
        if (store.Cidrs.Count == 0)
            throw new CniException(CniErrorCode.NotAvailable, "weft-agent cannot serve ADD: the node has no pod CIDR yet (spec.podCIDRs is empty)");
    }

    private void RequireNamespace(string netns)
    {
        if (network.NamespaceProblem(netns) is { } problem)
            throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_NETNS: {problem}");
    }

    private static CniResult Result(AttachmentRecord record, NetworkConfiguration configuration)
    {
        var a = record.Attachment;
        return new CniResult(
            [
                new CniInterface(a.HostInterface, PodGateway.HostMac.ToString(), Mtu: record.Mtu),
                new CniInterface(a.InterfaceName, a.Mac, a.NetworkNamespace, record.Mtu),
            ],
            a.Addresses.Select(x => new CniIp(x, IsIPv6(x) ? 128 : 32, Gateway(x), Interface: 1)).ToEquatableArray(),
            a.Addresses.Select(x => new CniRoute(IsIPv6(x) ? IpPrefix.AllIPv6 : IpPrefix.AllIPv4, Gateway(x))).ToEquatableArray(),
            configuration.Runtime.Dns ?? configuration.Dns);
    }

    private static CniException Vanished(Attachment attachment, string problem) =>
        new(CniErrorCode.UnknownContainer, $"the network namespace of {Describe(attachment)} vanished during ADD: {problem}", "Nothing of it is left; no DEL is needed.");

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static IPAddress Gateway(IPAddress address) => IsIPv6(address) ? PodGateway.IPv6 : PodGateway.IPv4;

    private static string Addresses(Attachment attachment) => string.Join(", ", attachment.Addresses);

    private static string Describe(Attachment attachment) => attachment.Pod is { } pod
        ? $"pod {pod} (container {attachment.ContainerId}, {attachment.InterfaceName})"
        : $"container {attachment.ContainerId} ({attachment.InterfaceName})";
}
