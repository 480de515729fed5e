using System.Net;
using Weft.Primitives;

namespace Weft.Model.Ipam;

/// <summary>An IPBlock: a part of a pool that one node gives addresses of. Its object is named after the prefix, so that one node only can make it.</summary>
/// <param name="Version">metadata.resourceVersion.</param>
/// <param name="Loans">Addresses of it that other nodes use or ask for.</param>
/// <param name="Deleting">Whether it is to go once its node has emptied it.</param>
public sealed record AddressBlock(
    string Name, string Uid, string Version, IpPrefix? Cidr, string Pool, string Node, EquatableArray<AddressLoan> Loans, DateTimeOffset Created, bool Deleting)
{
    /// <summary>The object's name for a prefix: <c>10-50-0-64-26</c> for 10.50.0.64/26.</summary>
    public static string NameOf(IpPrefix cidr)
    {
        var name = cidr.ToString().Replace('.', '-').Replace(':', '-').Replace('/', '-');
        // RFC 1123 section 2.1 wants a letter or digit first: ::/122 has none.
        return name[0] == '-' ? "0" + name : name;
    }
}

/// <summary>
/// An entry of a block's spec.loans. The borrower makes it, with an id that was never used before; the owner answers with an address or a refusal;
/// the borrower takes it away when it needs the address no more.
/// </summary>
/// <param name="Node">The borrower.</param>
/// <param name="Wanted">The one address that will do; null for any.</param>
/// <param name="Address">What the owner lends; null until it has answered.</param>
/// <param name="Refused">Why the owner lends nothing; null when it does, or has not answered.</param>
public sealed record AddressLoan(string Id, string Node, IPAddress? Wanted = null, IPAddress? Address = null, string? Refused = null)
{
    public bool Answered => Address is not null || Refused is not null;
}
