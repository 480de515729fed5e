using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Tables;

/// <summary>
/// What one feature adds to the table: sets and chains of its own, and rules in the shared base chains. The order among features in a
/// base chain is the order in which <see cref="TableAssembler"/> is given them.
/// </summary>
internal sealed class NftParts
{
    public List<NftSet> Sets { get; } = [];

    public List<NftChain> Chains { get; } = [];

    public List<NftRule> NatPrerouting { get; } = [];

    public List<NftRule> NatOutput { get; } = [];

    public List<NftRule> NatPostrouting { get; } = [];

    public List<NftRule> Input { get; } = [];

    public List<NftRule> Forward { get; } = [];

    public List<NftRule> Output { get; } = [];

    public static NftRule Rule(string cause, params ReadOnlySpan<NftExpression> expressions) =>
        new(EquatableArray.Create(expressions), Cause.Of(cause));

    public static NftVerdictStatement Then(NftVerdict verdict) => new(verdict);
}
