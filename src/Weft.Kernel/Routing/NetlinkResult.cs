using Weft.Primitives;

namespace Weft.Kernel.Routing;

/// <summary>What became of a request.</summary>
/// <param name="Detail">The kernel's own words (NLMSGERR_ATTR_MSG), if it had any.</param>
public readonly record struct NetlinkResult(Errno Errno, string? Detail = null)
{
    public bool Succeeded => Errno == Errno.None;

    /// <summary>Error number and the kernel's words: <c>ENETUNREACH (Network is unreachable): Nexthop has invalid gateway</c>.</summary>
    public string Text => Detail is null ? Errno.Describe() : $"{Errno.Describe()}: {Detail}";
}

/// <summary>Shorter ways to call <see cref="INetlink.Execute(IReadOnlyList{NetlinkRequest})"/>.</summary>
public static class NetlinkExtensions
{
    /// <summary>Carries out requests that must all succeed. All are tried; the first failure is thrown.</summary>
    /// <exception cref="KernelException">Names the request and says why it failed.</exception>
    public static void ExecuteAll(this INetlink netlink, params IReadOnlyList<NetlinkRequest> requests)
    {
        var results = netlink.Execute(requests);
        for (var i = 0; i < results.Count; i++)
        {
            if (!results[i].Succeeded)
                throw new KernelException(requests[i].Describe(), results[i].Errno, results[i].Detail);
        }
    }

    /// <summary>Carries out one request and says what became of it.</summary>
    public static NetlinkResult TryExecute(this INetlink netlink, NetlinkRequest request) => netlink.Execute([request])[0];
}
