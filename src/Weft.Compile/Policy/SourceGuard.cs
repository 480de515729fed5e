using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>
/// What every decision rests on: connections already accepted stay so, and a pod speaks from its own address only, since policy tells
/// pods apart by address.
/// </summary>
internal static class SourceGuard
{
    private const string Links = "pod-links";

    public static NftParts Compile(NodeConfig config, LocalPods pods)
    {
        var parts = new NftParts();
        var accepted = NftParts.Rule("connection accepted before",
            new NftCtStateMatch(NftCtState.Established | NftCtState.Related), NftParts.Then(NftVerdict.Accept));
        parts.Input.Add(accepted);
        parts.Forward.Add(accepted);
        parts.Output.Add(accepted);

        parts.Sets.Add(new NftSet(Links, [NftType.InterfaceName], default, Interval: false,
            pods.Attachments.Select(a => AttachmentParts.Of(a).LinkElement).ToEquatableArray()));
        foreach (var family in Family.Both)
        {
            if (!config.ClusterCidrs.Any(c => c.IsIPv6 == family.IPv6))
                continue;
            var sources = $"pod-sources-{family.Digit}";
            parts.Sets.Add(new NftSet(sources, [NftType.InterfaceName, family.AddressType], default, Interval: false,
                pods.Attachments
                    .SelectMany(a => AttachmentParts.Of(a).Addresses).Where(a => a.IPv6 == family.IPv6).Select(a => a.SourceElement).ToEquatableArray()));
            parts.Forward.Add(NftParts.Rule("a pod speaks from its own address only",
                new NftLookup([NftField.InputInterface], Links),
                new NftLookup([NftField.InputInterface, family.Source], sources, Not: true),
                NftParts.Then(NftVerdict.Drop)));
        }
        return parts;
    }
}
