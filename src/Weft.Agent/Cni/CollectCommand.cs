using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// GC (SPEC.md 1.1.0 section 2): frees exactly what the list omits, within the network named. The runtime has made the list before the request
/// came, so what may be newer than the list stays: attachments whose ADD runs or ran while the request was here, and those that were deleted and
/// made anew meanwhile. (The specification forbids the runtime to run them side by side; a runtime that does loses nothing.)
/// </summary>
internal sealed class CollectCommand(CniContext context, KeyedLock<AttachmentKey> locks, RunningAdds adds)
{
    /// <param name="kind">Whose holds: weft-cni's and weft-ipam's are apart, as the networks' plugins are.</param>
    public async Task RunAsync(NetworkConfiguration configuration, HoldKind kind, CancellationToken cancel)
    {
        // Taken at once: an ADD that begins from here on is in neither.
        var running = adds.Current();
        var known = context.Store.Attachments;
        // An absent list must not be read as an empty one: that would take every pod's network away.
        if (configuration.ValidAttachments is not { } valid)
            throw new CniException(CniErrorCode.InvalidConfiguration, "cni.dev/valid-attachments is missing: GC needs the list of attachments to keep");
        var keep = valid.Select(v => new AttachmentKey(configuration.Name, v.ContainerId, v.InterfaceName)).ToHashSet();
        keep.UnionWith(running);
        var failures = new List<string>();
        foreach (var stale in known.Where(r => r.Kind == kind && r.Key.Network == configuration.Name && !IpamCommand.IsGateway(r.Key) && !keep.Contains(r.Key)))
        {
            using var held = await locks.AcquireAsync(stale.Key, cancel);
            // DEL and another ADD may have come in between.
            if (context.Store.Find(stale.Key) != stale)
                continue;
            try
            {
                await Task.Run(() => context.Detach(stale), cancel);
                context.Options.Log($"GC: freed {CniContext.Addresses(stale.Attachment)} of {CniContext.Describe(stale.Attachment)}");
            }
            catch (Exception e) when (e is PodNetworkException or CniException)
            {
                // "a plugin should continue; removing as many resources as possible, and report the errors back".
                failures.Add($"{CniContext.Describe(stale.Attachment)}: {e.Message}");
            }
        }
        if (failures.Count > 0)
            throw new CniException(
                CniErrorCode.KernelFailure, $"GC could not free {failures.Count} attachment(s): {failures[0]}", string.Join("; ", failures));
    }
}
