using Weft.Compile.Dns;
using Weft.Model.Dns;
using Weft.Model.Ipam;
using Weft.Store;

namespace Weft.Compile.Tests.Dns;

public class AliasCompilerTests
{
    private static Attachment Attached(string id, string network, string[] addresses, params string[] aliases) => new(
        id, "eth0", null, null, ClusterBuilder.Ips(addresses), "weft" + id, "02:00:00:00:00:01", "/var/run/netns/" + id) { Network = network, Aliases = [.. aliases] };

    private static ClusterSnapshot With(params Attachment[] attachments) => ClusterSnapshot.Empty with
    {
        Attachments = ClusterSnapshot.Empty.Attachments.SetItems(attachments.Select(a => KeyValuePair.Create(a.Key, a))),
    };

    [Fact]
    public void AllWhoHaveAnAliasAnswerForIt()
    {
        var networks = AliasCompiler.Compile(With(
            Attached("a", "Front", ["10.244.1.6", "fd00::6"], "DB", "a.b", ""), Attached("b", "Front", ["10.244.1.5"], "db"), Attached("c", "Front", ["10.244.1.9"]),
            Attached("d", "weft", ["10.244.1.8"])));
        var network = Assert.Single(networks);
        Assert.Equal("front", network.Network);
        Assert.Equal(["10.244.1.5", "10.244.1.6", "10.244.1.9", "fd00::6"], network.Members.Select(m => m.ToString()));
        var set = Assert.Single(network.Names);
        Assert.Equal("db", set.Name);
        Assert.Equal(["10.244.1.5", "10.244.1.6", "fd00::6"], set.Records.Select(r => ((DnsAddress)r).Address.ToString()));
    }

    [Fact]
    public void ContainersWithoutAliasesChangeNothing() =>
        Assert.Equal(AliasCompiler.Compile(With()), AliasCompiler.Compile(With(Attached("d", "weft", ["10.244.1.8"]))));
}
