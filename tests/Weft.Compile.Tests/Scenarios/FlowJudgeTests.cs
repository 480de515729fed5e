using Weft.Scenarios;

namespace Weft.Compile.Tests.Scenarios;

/// <summary>A judge that accepts anything would make every scenario pass: these lines are wrong, each in one way.</summary>
public sealed class FlowJudgeTests
{
    private static readonly Scenario Services = Scenario.LoadAll(Scenario.FindDirectory()).Single(s => s.Name == "service-nodeport");

    [Theory]
    [InlineData("default/client -> default/web-1:8080/TCP deny", "Delivered to pod default/web-1")]
    [InlineData("default/client -> service/default/web:81/TCP allow", "Rejected")]
    [InlineData("default/client -> service/default/web:80/TCP allow to=default/web-1", "reaches default/web-1, default/web-2, default/web-3")]
    [InlineData("outside -> node/node1:30080/TCP allow from=outside", "the server sees")]
    [InlineData("outside -> default/web-1:8080/TCP allow", "Unroutable")]
    public void A_wrong_line_is_told_what_was_seen(string line, string seen)
    {
        var flow = Assert.Single(FlowParser.Parse(line, ipv6: false));
        Assert.Contains(seen, new FlowJudge(Services.Cluster).Judge(flow), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("default/a default/b:80/TCP allow", "FROM -> TO")]
    [InlineData("default/a -> default/b allow", "no port")]
    [InlineData("default/a -> default/b:80/ICMP allow", "TCP, UDP, SCTP")]
    [InlineData("default/a -> default/b:70000/TCP allow", "PORT/PROTOCOL")]
    [InlineData("default/a -> default/b:80/TCP maybe", "verdict")]
    [InlineData("default/a -> b:80/TCP allow", "NAMESPACE/POD")]
    [InlineData("default/a -> default/b:80/TCP allow form=pod", "from=")]
    public void A_line_that_is_no_flow_is_refused_with_its_number(string line, string problem)
    {
        var error = Assert.Throws<FormatException>(() => FlowParser.Parse("# comment\n" + line, ipv6: false));
        Assert.StartsWith("line 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }
}
