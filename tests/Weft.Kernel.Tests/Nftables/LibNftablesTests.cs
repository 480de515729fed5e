using System.Text;
using Weft.Kernel.Nftables;
using Weft.Reconcile.Tests.Nftables;

namespace Weft.Kernel.Tests.Nftables;

public sealed class LibNftablesTests
{
    [SkippableFact]
    public void Commands_act_in_the_given_namespace_only()
    {
        using var one = PrivateNamespace.CreateOrSkip();
        using var other = PrivateNamespace.CreateOrSkip();
        using var inOne = new LibNftables(one.Path);
        using var inOther = new LibNftables(other.Path);

        Assert.Null(inOne.Apply("add table inet weft\n").Error);

        Assert.Contains("\"name\": \"weft\"", Encoding.UTF8.GetString(inOne.ListTable("weft").Json!), StringComparison.Ordinal);
        Assert.Equal(NftListing.Absent, inOther.ListTable("weft"));
    }

    [SkippableFact]
    public void Error_names_the_offending_line_and_nothing_is_committed()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);

        var outcome = nftables.Apply("add table inet weft\nadd chain inet weft a\nadd rule inet weft a ip saddr @nosuch accept\n");

        Assert.Equal("line 3, column 31: No such file or directory in 'add rule inet weft a ip saddr @nosuch accept'", outcome.Error);
        Assert.Equal(NftListing.Absent, nftables.ListTable("weft"));
    }

    [SkippableFact]
    public void Refusal_by_the_kernel_names_the_line_too()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        Assert.Null(nftables.Apply("table inet weft {\n chain a {\n }\n chain b {\n jump a\n }\n}\n").Error);

        var outcome = nftables.Apply("add chain inet weft c\ndelete chain inet weft a\n");

        Assert.StartsWith("line 2, column 24: Could not process rule: Device or resource busy in 'delete chain inet weft a'", outcome.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Output_of_one_command_does_not_leak_into_the_next()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        Assert.NotNull(nftables.Apply("nonsense\n").Error);
        Assert.Null(nftables.Apply("add table inet weft\n").Error);

        var first = nftables.ListTable("weft").Json!;
        Assert.Equal(first, nftables.ListTable("weft").Json!);
    }

    [Fact]
    public void Namespace_that_is_not_there_is_an_error_of_each_call()
    {
        using var nftables = new LibNftables("/run/netns/no-such-namespace-of-weft");

        Assert.Contains("/run/netns/no-such-namespace-of-weft", nftables.Apply("add table inet weft\n").Error, StringComparison.Ordinal);
        Assert.Contains("/run/netns/no-such-namespace-of-weft", nftables.ListTable("weft").Error, StringComparison.Ordinal);
    }
}
