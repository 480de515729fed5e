using System.Text.Json;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Kubernetes.Watch;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Kubernetes.Ipam;

/// <summary><see cref="IBlockApi"/> at the Kubernetes API.</summary>
public sealed class BlockApi(ApiConnection api) : IBlockApi
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public Task<AddressBlock?> ReadAsync(string name, CancellationToken cancel) => AskAsync<AddressBlock?>(
        async c => IpBlockConverter.Convert(await api.GetAsync(PathOf(name), ApiJson.Default.ApiAddressBlock, c)), code => code == 404, null, cancel);

    public Task<AddressBlock?> ClaimAsync(IpPrefix cidr, string pool, string node, CancellationToken cancel)
    {
        var written = new ApiAddressBlockWritten
        {
            Metadata = new ApiBlockMetadata(AddressBlock.NameOf(cidr), [WeftApi.InUseFinalizer]),
            Spec = new ApiAddressBlockSpec { Cidr = cidr.ToString(), Pool = pool, Node = node },
        };
        return AskAsync<AddressBlock?>(
            async c => IpBlockConverter.Convert(
                await api.CreateAsync($"{WeftApi.Path}/ipblocks", written, ApiJson.Default.ApiAddressBlockWritten, ApiJson.Default.ApiAddressBlock, c)),
            code => code == 409, null, cancel);
    }

    public Task<AddressBlock?> SetLoansAsync(AddressBlock seen, EquatableArray<AddressLoan> loans, CancellationToken cancel) => PatchAsync(
        seen, new ApiAddressBlockPatch(new ApiBlockPatchMetadata(seen.Version), new ApiAddressBlockPatchSpec([.. loans.Select(IpBlockConverter.Convert)])), cancel);

    public async Task<bool> DeleteAsync(AddressBlock seen, CancellationToken cancel)
    {
        var latest = seen;
        if (!seen.Deleting)
        {
            var options = new ApiDeleteOptions(new ApiPreconditions(seen.Uid, seen.Version));
            var accepted = await AskAsync(
                async c =>
                {
                    await api.DeleteAsync(PathOf(seen.Name), options, ApiJson.Default.ApiDeleteOptions, c);
                    return true;
                },
                code => code is 409 or 404, false, cancel);
            if (await ReadAsync(seen.Name, cancel) is not { } now || now.Uid != seen.Uid)
                return true;
            if (!accepted || !now.Deleting)
                return false;
            latest = now;
        }
        // From its deletion on it lends nothing; what it lent before holds it back, since the finalizer goes only from a version without loans.
        return !latest.Loans.Any(l => l.Address is not null)
            && await PatchAsync(latest, new ApiAddressBlockPatch(new ApiBlockPatchMetadata(latest.Version, [])), cancel) is not null;
    }

    private Task<AddressBlock?> PatchAsync(AddressBlock seen, ApiAddressBlockPatch patch, CancellationToken cancel) => AskAsync<AddressBlock?>(
        async c => IpBlockConverter.Convert(
            await api.MergeAsync(PathOf(seen.Name), patch, ApiJson.Default.ApiAddressBlockPatch, ApiJson.Default.ApiAddressBlock, c)),
        code => code is 409 or 404, null, cancel);

    private static string PathOf(string name) => $"{WeftApi.Path}/ipblocks/{name}";

    private static async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, Func<int, bool> expected, T otherwise, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Timeout);
        try
        {
            return await ask(limit.Token);
        }
        catch (ApiException e) when (expected(e.Code))
        {
            return otherwise;
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new BlockApiException($"the API did not answer within {Timeout.TotalSeconds:0} s", e);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException or JsonException)
        {
            throw new BlockApiException(e.Message, e);
        }
    }
}
