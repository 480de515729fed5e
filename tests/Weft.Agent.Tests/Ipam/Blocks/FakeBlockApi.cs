using System.Globalization;
using Weft.Kubernetes.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Agent.Tests.Ipam.Blocks;

/// <summary>The API server's part: one truth, versions, and a history from which tests tell watches what they like, when they like.</summary>
internal sealed class FakeBlockApi : IBlockApi
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, AddressBlock> _blocks = new(StringComparer.Ordinal);
    private long _version;

    /// <summary>Every state that there ever was, the first empty.</summary>
    public List<IReadOnlyDictionary<string, AddressBlock>> History { get; } = [new Dictionary<string, AddressBlock>()];

    /// <summary>Asked before each write: true does not answer it, after doing it when the second is true.</summary>
    public Func<(bool Lose, bool AfterDoing)> Fate { get; set; } = () => (false, false);

    public event Action? Changed;

    public IReadOnlyDictionary<string, AddressBlock> Blocks => History[^1];

    public DateTimeOffset Clock { get; set; } = DateTimeOffset.UnixEpoch;

    public Task<AddressBlock?> ReadAsync(string name, CancellationToken cancel)
    {
        lock (_lock)
            return Task.FromResult(_blocks.GetValueOrDefault(name));
    }

    public Task<AddressBlock?> ClaimAsync(IpPrefix cidr, string pool, string node, CancellationToken cancel) => Write(() =>
    {
        var name = AddressBlock.NameOf(cidr);
        if (_blocks.ContainsKey(name))
            return null;
        return _blocks[name] = new AddressBlock(name, $"uid{++_version}", Next(), cidr, pool, node, [], Clock.AddSeconds(_version), false);
    });

    public Task<AddressBlock?> SetLoansAsync(AddressBlock seen, EquatableArray<AddressLoan> loans, CancellationToken cancel) => Write(() =>
        Current(seen) ? _blocks[seen.Name] = seen with { Loans = loans, Version = Next() } : null);

    public Task<bool> DeleteAsync(AddressBlock seen, CancellationToken cancel) => Write(() => Current(seen) ? _blocks.Remove(seen.Name) : !_blocks.ContainsKey(seen.Name));

    private bool Current(AddressBlock seen) => _blocks.TryGetValue(seen.Name, out var now) && (now.Uid, now.Version) == (seen.Uid, seen.Version);

    private string Next() => (++_version).ToString(CultureInfo.InvariantCulture);

    private Task<T> Write<T>(Func<T> write)
    {
        var (lose, after) = Fate();
        if (lose && !after)
            throw new BlockApiException("the API did not answer");
        T result;
        lock (_lock)
        {
            result = write();
            History.Add(new Dictionary<string, AddressBlock>(_blocks));
        }
        Changed?.Invoke();
        return lose ? throw new BlockApiException("the API did not answer") : Task.FromResult(result);
    }
}
