using Weft.Model.Routing;

namespace Weft.Kernel.Routing;

/// <summary>Makes an intermediate device and brings it up. EEXIST when the name is taken; EOPNOTSUPP when the kernel has no ifb.</summary>
public sealed record AddIfb(IfbLink Link) : NetlinkRequest
{
    public override string Describe() => $"add ifb {Link.Name}";
}

/// <summary>Puts a token bucket at the root of a link, or changes the one that is there; what is queued stays.</summary>
public sealed record SetShaper(Shaper Shaper) : NetlinkRequest
{
    public override string Describe() =>
        $"set qdisc tbf rate {Shaper.Rate} burst {Shaper.Burst} limit {Shaper.Limit} (bytes) at the root of {Shaper.Link}";
}

/// <summary>Gives a link its own root queue back. ENOENT when it has it.</summary>
public sealed record DeleteShaper(string Link) : NetlinkRequest
{
    public override string Describe() => $"delete the root qdisc of {Link}";
}

/// <summary>Makes the qdisc that redirects hang on. EEXIST when there is one.</summary>
public sealed record AddIngress(string Link) : NetlinkRequest
{
    public override string Describe() => $"add qdisc ingress of {Link}";
}

/// <summary>Deletes it, with all that hangs on it. ENOENT when there is none.</summary>
public sealed record DeleteIngress(string Link) : NetlinkRequest
{
    public override string Describe() => $"delete qdisc ingress of {Link}";
}

/// <summary>Sends all that a link with an ingress qdisc receives through another device.</summary>
public sealed record AddRedirect(Redirect Redirect) : NetlinkRequest
{
    public override string Describe() => $"redirect what {Redirect.Link} receives to {Redirect.To}";
}

/// <summary>A queueing discipline as the kernel shows it.</summary>
/// <param name="Kind">Such as tbf or ingress.</param>
/// <param name="Shaper">What a tbf at the root limits; its burst is rounded by the kernel.</param>
public sealed record ObservedQdisc(string Link, string Kind, Shaper? Shaper = null);

/// <summary>A filter of an ingress qdisc as the kernel shows it.</summary>
/// <param name="To">Name of the device; null when the filter does something else, or its device is gone, and packets with it.</param>
public sealed record ObservedRedirect(string Link, string? To);
