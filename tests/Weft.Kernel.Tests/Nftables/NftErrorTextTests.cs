using Weft.Kernel.Nftables;

namespace Weft.Kernel.Tests.Nftables;

public sealed class NftErrorTextTests
{
    [Fact]
    public void Report_of_a_file_becomes_line_column_message_and_the_lines_text()
    {
        const string report = """
            /proc/self/fd/9:3:17-20: Error: No such file or directory
            add element inet nope x { 1.1.1.1 }
                             ^^^^
            /proc/self/fd/9:5:1-3: Error: syntax error, unexpected string
            foo
            ^^^
            """;

        Assert.Equal(
            "line 3, column 17: No such file or directory in 'add element inet nope x { 1.1.1.1 }'; line 5, column 1: syntax error, unexpected string in 'foo'",
            NftErrorText.Explain(report, "/proc/self/fd/9"));
    }

    [Theory]
    [InlineData("", "libnftables gave no reason")]
    [InlineData("netlink: Error: cache initialization failed: Operation not permitted\n", "cache initialization failed: Operation not permitted")]
    [InlineData("something else", "something else")]
    public void Reports_without_a_line_keep_their_message(string report, string expected) =>
        Assert.Equal(expected, NftErrorText.Explain(report, null));

    [Fact]
    public void Many_reports_are_counted()
    {
        var report = string.Concat(Enumerable.Range(1, 5).Select(i => $"f:{i}:1-2: Error: bad\nx{i}\n^^\n"));

        Assert.EndsWith("line 3, column 1: bad in 'x3'; and 2 more", NftErrorText.Explain(report, "f"), StringComparison.Ordinal);
    }
}
