using System.Net;
using Weft.Kubernetes.Api;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Kubernetes.Convert;

/// <summary>weft.dev IPPool to <see cref="IpPool"/>. One that cannot be used as written keeps its name and says why.</summary>
public static class IpPoolConverter
{
    public static IpPool Convert(ApiAddressPool pool)
    {
        var (name, created) = (pool.Metadata?.Name ?? "", pool.Metadata?.CreationTimestamp ?? default);
        try
        {
            return Convert(name, created, pool.Spec ?? new ApiAddressPoolSpec());
        }
        catch (ConversionException e)
        {
            // Nothing is given of it; what its pods send out is masqueraded, as without a pool.
            return new IpPool(name, null, 0, null, null, [], Disabled: true, NatOutgoing: true, StrictAffinity: true, PoolAssignment.AnnotationOnly, created, e.Message);
        }
    }

    private static IpPool Convert(string name, DateTimeOffset created, ApiAddressPoolSpec spec)
    {
        ConversionException.ThrowIfUnknown(spec.Unknown, "spec");
        var cidr = Prefix(spec.Cidr ?? "", "spec.cidr");
        var blockSize = spec.BlockSize ?? Math.Max(cidr.Length, IpPool.DefaultBlockSize(cidr.IsIPv6));
        if (blockSize < cidr.Length || blockSize > cidr.AddressBits - 2)
            throw new ConversionException("spec.blockSize", $"{blockSize} does not fit {cidr}; use {cidr.Length} to {cidr.AddressBits - 2}");
        var reserved = (spec.Reserved ?? []).Select((text, i) => Prefix(text, $"spec.reserved[{i}]")).ToList();
        if (reserved.FindIndex(r => !cidr.Contains(r)) is >= 0 and var outside)
            throw new ConversionException($"spec.reserved[{outside}]", $"{reserved[outside]} lies outside of {cidr}");
        var assignment = spec.Assignment ?? nameof(PoolAssignment.Automatic);
        return new IpPool(
            name,
            cidr,
            blockSize,
            SelectorConverter.Convert(spec.NodeSelector, "spec.nodeSelector"),
            SelectorConverter.Convert(spec.NamespaceSelector, "spec.namespaceSelector"),
            [.. reserved.Order()],
            spec.Disabled ?? false,
            spec.NatOutgoing ?? true,
            spec.StrictAffinity ?? false,
            Enum.TryParse<PoolAssignment>(assignment, out var parsed) && Enum.IsDefined(parsed) ? parsed : throw new ConversionException(
                "spec.assignment", $"'{assignment}' is not one of Automatic, AnnotationOnly"),
            created);
    }

    private static IpPrefix Prefix(string text, string field)
    {
        try
        {
            return IpPrefix.Parse(text);
        }
        catch (FormatException e)
        {
            throw new ConversionException(field, e.Message);
        }
    }
}

/// <summary>weft.dev IPBlock to <see cref="AddressBlock"/>.</summary>
public static class IpBlockConverter
{
    public static AddressBlock Convert(ApiAddressBlock block) => new(
        block.Metadata?.Name ?? "",
        block.Metadata?.Uid ?? "",
        block.Metadata?.ResourceVersion ?? "",
        IpPrefix.TryParse(block.Spec?.Cidr, out var cidr) ? cidr : null,
        block.Spec?.Pool ?? "",
        block.Spec?.Node ?? "",
        (block.Spec?.Loans ?? []).Where(l => !string.IsNullOrEmpty(l.Id)).DistinctBy(l => l.Id)
            .Select(l => new AddressLoan(l.Id, l.Node ?? "", Address(l.Wanted), Address(l.Address), string.IsNullOrEmpty(l.Refused) ? null : l.Refused)).ToEquatableArray(),
        block.Metadata?.CreationTimestamp ?? default,
        block.Metadata?.DeletionTimestamp is not null);

    internal static ApiAddressLoan Convert(AddressLoan loan) => new()
    {
        Id = loan.Id,
        Node = loan.Node,
        Wanted = loan.Wanted?.ToString(),
        Address = loan.Address?.ToString(),
        Refused = loan.Refused,
    };

    private static IPAddress? Address(string? text) => IPAddress.TryParse(text, out var address) ? address : null;
}
