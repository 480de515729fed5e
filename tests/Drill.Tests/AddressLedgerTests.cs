using Weft.Drill;

namespace Drill.Tests;

public sealed class AddressLedgerTests
{
    private readonly List<string> _violations = [];

    [Fact]
    public void An_address_that_two_hold_is_a_violation_that_names_both()
    {
        var ledger = new AddressLedger(_violations.Add);
        ledger.Claim("a", ["10.0.0.1", "fd00::1"]);
        ledger.Claim("b", ["10.0.0.2", "fd00::1"]);
        Assert.Equal("fd00::1 was given to b while a held it", Assert.Single(_violations));
    }

    [Fact]
    public void An_address_given_back_may_be_given_again()
    {
        var ledger = new AddressLedger(_violations.Add);
        ledger.Claim("a", ["10.0.0.1"]);
        // A late DEL of one that never held it changes nothing.
        ledger.Release("b", ["10.0.0.1"]);
        ledger.Release("a", ["10.0.0.1"]);
        ledger.Claim("b", ["10.0.0.1"]);
        Assert.Empty(_violations);
        Assert.Equal(1, ledger.MostAtOnce);
    }
}
