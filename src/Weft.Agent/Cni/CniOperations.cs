using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// What ADD, DEL, CHECK, GC and STATUS do (SPEC.md 1.1.0 section 2), a command a file. Commands for one attachment never run side by side; every
/// failure becomes an error object.
/// </summary>
public sealed class CniOperations
{
    private readonly KeyedLock<AttachmentKey> _locks = new();
    private readonly RunningAdds _adds = new();
    private readonly CniContext _context;
    private readonly AddCommand _add;
    private readonly CheckCommand _check;
    private readonly CollectCommand _collect;
    private readonly StatusCommand _status;
    private readonly IpamCommand _ipam;

    /// <param name="source">Who gives addresses; the store itself when null.</param>
    public CniOperations(AddressStore store, IAttachments attachments, IPodNetwork network, CniServerOptions options, IAddressSource? source = null)
    {
        _context = new CniContext(store, source ?? store, attachments, network, options);
        _add = new AddCommand(_context);
        _check = new CheckCommand(_context);
        _collect = new CollectCommand(_context, _locks, _adds);
        _status = new StatusCommand(_context);
        _ipam = new IpamCommand(_context, _locks);
    }

    /// <summary>
    /// Takes over what an earlier agent on this node left: attachments whose interface still exists (under whatever name its node's end has) go back into the store of the agent, so
    /// that their routes and policy stay in force; the rest are freed. Addresses held for other plugins stay while the namespace is there.
    /// To be called once the address ranges are known, before serving.
    /// </summary>
    /// <returns>How many attachments were kept and how many were freed.</returns>
    public (int Kept, int Dropped) Restore()
    {
        var (kept, dropped) = (0, 0);
        foreach (var record in _context.Store.Attachments)
        {
            var attachment = record.Attachment;
            var ended = record.Kind switch
            {
                HoldKind.Attachment when GarbageJudge.IsInterfaceGone(_context.Network, attachment) => $"its interface {attachment.HostInterface} is gone",
                HoldKind.Delegated when !IpamCommand.IsGateway(record.Key) => _context.Network.NamespaceProblem(attachment.NetworkNamespace),
                _ => null,
            };
            if (ended is null)
            {
                if (record.Kind == HoldKind.Attachment)
                    _context.Attachments.Upsert(attachment);
                kept++;
                continue;
            }
            _context.Options.Log($"{CniContext.Describe(attachment)}: {ended}; freeing {CniContext.Addresses(attachment)}");
            _context.Store.Release(record.Key);
            dropped++;
        }
        return (kept, dropped);
    }

    /// <summary>
    /// Frees an attachment that nobody will delete any more, under the lock of ADD and DEL and with a last proof taken there.
    /// </summary>
    /// <param name="prove">The verdict by which it is garbage, or null.</param>
    /// <returns>That verdict when the attachment was freed.</returns>
    /// <exception cref="PodNetworkException">The kernel refused; the address stays held.</exception>
    /// <exception cref="CniException">The journal cannot be written; the address stays held.</exception>
    internal async Task<Verdict?> FreeAsync(AttachmentRecord judged, Func<AttachmentRecord, Task<Verdict?>> prove, CancellationToken cancel)
    {
        using var held = await _locks.AcquireAsync(judged.Key, cancel);
        // DEL and another ADD may have come in between.
        if (_context.Store.Find(judged.Key) != judged || await prove(judged) is not { } verdict)
            return null;
        await Task.Run(() => _context.Detach(judged), cancel);
        return verdict;
    }

    /// <summary>Does what a request asks; every failure becomes an error object (SPEC.md section 5).</summary>
    public async Task<AgentResponse> HandleAsync(AgentRequest request, CancellationToken cancel) => (await AnswerAsync(request, cancel)).Response;

    internal async Task<CniAnswer> AnswerAsync(AgentRequest request, CancellationToken cancel)
    {
        var version = CniVersions.Newest;
        try
        {
            version = CniConfigurationReader.ReadVersion(request.Configuration);
            var environment = request.Environment;
            environment.Validate();
            var strict = environment.Command is not (CniCommand.Del or CniCommand.Gc);
            var configuration = CniConfigurationReader.Read(request.Configuration, strict, request.Delegated);
            if (!configuration.Version.Has(environment.Command))
                throw new CniException(
                    CniErrorCode.IncompatibleVersion, $"cniVersion {configuration.Version.Text()} of the configuration has no {environment.Command.Text()}");
            return environment.Command is CniCommand.Add or CniCommand.Del or CniCommand.Check
                ? await AttachmentAsync(request, configuration, cancel)
                : await NetworkAsync(request, configuration, cancel);
        }
        catch (Exception e)
        {
            return new CniAnswer(new AgentResponse(true, CniJson.Error(version, Describe(e, request.Environment, cancel))));
        }
    }

    /// <summary>Whether an ADD for an attachment runs: what it has not made yet is not missing.</summary>
    public bool IsBeingAdded(AttachmentKey key) => _adds.Current().Contains(key);

    /// <summary>
    /// Releases what an attachment holds, and removes its interface if it has one, unless it is refused: whether it is asked while no command for
    /// the attachment runs.
    /// </summary>
    /// <param name="refuse">Why not, or null.</param>
    /// <returns>Why it was not released; null when it was, or nothing was held.</returns>
    /// <exception cref="PodNetworkException">The kernel refused; the address stays held.</exception>
    /// <exception cref="CniException">The journal cannot be written; the address stays held.</exception>
    public async Task<string?> ReleaseAsync(AttachmentKey key, Func<AttachmentRecord, string?> refuse, CancellationToken cancel)
    {
        using var held = await _locks.AcquireAsync(key, cancel);
        if (_context.Store.Find(key) is not { } record)
            return null;
        if (refuse(record) is { } reason)
            return reason;
        await Task.Run(() => _context.Detach(record), cancel);
        await _context.Store.SyncAsync();
        return null;
    }

    private async Task<CniAnswer> NetworkAsync(AgentRequest request, NetworkConfiguration configuration, CancellationToken cancel)
    {
        switch (request.Environment.Command)
        {
            case CniCommand.Status when request.Delegated:
                _status.RequireAddresses(configuration.Ipam?.Pool);
                break;
            case CniCommand.Status:
                _status.Run();
                break;
            case CniCommand.Gc:
                await _collect.RunAsync(configuration, request.Delegated ? HoldKind.Delegated : HoldKind.Attachment, cancel);
                break;
            default:
                throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_COMMAND {request.Environment.Command.Text()} is not one for the agent");
        }
        return new CniAnswer(new AgentResponse(false, default));
    }

    private async Task<CniAnswer> AttachmentAsync(AgentRequest request, NetworkConfiguration configuration, CancellationToken cancel)
    {
        var environment = request.Environment;
        var key = new AttachmentKey(configuration.Name, environment.ContainerId, environment.InterfaceName);
        using var running = environment.Command == CniCommand.Add ? _adds.Begin(key) : null;
        using var held = await _locks.AcquireAsync(key, cancel);
        switch (environment.Command)
        {
            case CniCommand.Add:
                var (output, made) = request.Delegated
                    ? await _ipam.AddAsync(key, environment, configuration, cancel)
                    : await _add.RunAsync(key, environment, configuration, cancel);
                return new CniAnswer(new AgentResponse(false, output), () => UndoAsync(made));
            case CniCommand.Del when request.Delegated:
                _ipam.Delete(key);
                break;
            case CniCommand.Del:
                await Task.Run(() => Delete(key), cancel);
                break;
            case CniCommand.Check when request.Delegated:
                _ipam.Check(key, environment, configuration);
                break;
            default:
                await _check.RunAsync(key, environment, configuration, cancel);
                break;
        }
        return new CniAnswer(new AgentResponse(false, default));
    }

    // SPEC.md section 2, "DEL": without an attachment there is nothing to do; what weft-ipam holds is another plugin's to give back.
    private void Delete(AttachmentKey key)
    {
        if (_context.Store.Find(key) is { Kind: HoldKind.Attachment } record)
            _context.Detach(record);
    }

    private async Task UndoAsync(AttachmentRecord made)
    {
        using var held = await _locks.AcquireAsync(made.Key, CancellationToken.None);
        // The runtime may have called DEL and ADD again since.
        if (_context.Store.Find(made.Key) != made)
            return;
        _context.Options.Log($"ADD for {CniContext.Describe(made.Attachment)}: the runtime did not take the answer; undone");
        try
        {
            await Task.Run(() => _context.Detach(made));
        }
        catch (Exception e) when (e is PodNetworkException or CniException)
        {
            // The runtime's DEL or GC tries again.
            _context.Options.Log($"ADD for {CniContext.Describe(made.Attachment)} cannot be undone: {e.Message}");
        }
    }

    private CniException Describe(Exception e, CniEnvironment environment, CancellationToken cancel)
    {
        switch (e)
        {
            case CniException cni:
                return cni;
            case PodNetworkException:
                return new CniException(CniErrorCode.KernelFailure, e.Message);
            case OperationCanceledException when cancel.IsCancellationRequested:
                return new CniException(
                    environment.Command == CniCommand.Status ? CniErrorCode.NotAvailable : CniErrorCode.TryAgainLater, "weft-agent is stopping; try again once it runs");
            default:
                _context.Options.Log($"{environment.Command.Text()} for container {environment.ContainerId}: {e}");
                return new CniException(CniErrorCode.Internal, $"weft-agent failed: {e.GetType().Name}: {e.Message}", "Its log has more.");
        }
    }
}
