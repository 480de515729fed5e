using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam;

/// <summary>A port of the node belongs to one container, whoever asks at the same time.</summary>
public sealed class HostPortTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private AddressStore Open()
    {
        var store = AddressStore.Open(_directory.Path, TimeProvider.System);
        store.SetCidrs("n1", [IpPrefix.Parse("10.0.0.0/24")]);
        return store;
    }

    private static AttachmentRequest Request(string container, params int[] ports) => new(new(Attachment.DefaultNetwork, container, "eth0"), "/run/netns/x", 1450)
    {
        PortMappings = [.. ports.Select(p => new PortMapping(Protocol.Tcp, p, 80))],
    };

    [Fact]
    public void The_second_is_refused_and_nothing_has_changed()
    {
        using var store = Open();
        store.Allocate(Request("a", 8080));
        var before = File.ReadAllBytes(Directory.EnumerateFiles(_directory.Path, "*.journal").Single());
        var e = Assert.Throws<CniException>(() => store.Allocate(Request("b", 8081, 8080)));
        Assert.Equal(CniErrorCode.InvalidConfiguration, e.Code);
        Assert.Contains("port 8080/TCP of the node is taken by container a", e.Message, StringComparison.Ordinal);
        Assert.Null(store.Find(Request("b").Key));
        Assert.Equal(before, File.ReadAllBytes(Directory.EnumerateFiles(_directory.Path, "*.journal").Single()));
        store.Allocate(Request("c", 8081));
        store.Release(Request("a").Key);
        store.Allocate(Request("b", 8080));
    }

    [Fact]
    public async Task Of_many_at_once_one_gets_the_port()
    {
        using var store = Open();
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() =>
        {
            try
            {
                store.Allocate(Request($"c{i}", 8080));
                return true;
            }
            catch (CniException)
            {
                return false;
            }
        })));
        Assert.Single(results, won => won);
        Assert.Single(store.Attachments);
    }

    [Fact]
    public void The_holder_is_known_after_a_restart()
    {
        using (var store = Open())
            store.Allocate(Request("a", 8080));
        using var again = Open();
        Assert.Throws<CniException>(() => again.Allocate(Request("b", 8080)));
        again.Allocate(Request("a", 8080));
    }
}
