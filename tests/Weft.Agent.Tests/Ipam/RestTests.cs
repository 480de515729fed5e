using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam;

public sealed class RestTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTime _time = new();

    public void Dispose() => _directory.Dispose();

    private AddressStore Open(params NodeRange[] ranges)
    {
        var store = AddressStore.Open(_directory.Path, _time);
        store.SetRanges("n1", ranges.Length > 0 ? ranges : [Range("10.0.0.0/30")]);
        return store;
    }

    private static NodeRange Range(string cidr, string pool = "", params string[] reserved) =>
        new(IpPrefix.Parse(cidr), pool, reserved.Select(IpPrefix.Parse).ToEquatableArray());

    private static AttachmentKey Key(string container) => new("weft", container, "eth0");

    private static AttachmentRequest Request(string container, params string[] addresses) =>
        new(Key(container), "/run/netns/x", 1450) { Addresses = addresses.Select(System.Net.IPAddress.Parse).ToEquatableArray() };

    private static string Add(AddressStore store, string container, params string[] addresses) =>
        string.Join(",", store.Allocate(Request(container, addresses)).Attachment.Addresses);

    [Fact]
    public void An_address_is_not_given_again_before_it_has_rested_and_the_error_says_how_long()
    {
        using var store = Open();
        Assert.Equal("10.0.0.1", Add(store, "a"));
        Assert.Equal("10.0.0.2", Add(store, "b"));
        store.Release(Key("a"));
        _time.Advance(TimeSpan.FromSeconds(3));
        var e = Assert.Throws<CniException>(() => Add(store, "c"));
        Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        Assert.Equal(
            "pod CIDR 10.0.0.0/30 of node n1 is exhausted: 1 of 2 addresses are in use, 1 rest after use and the next of them is free in 7 s", e.Message);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal("10.0.0.1", Add(store, "c"));
    }

    [Fact]
    public void Rest_goes_on_over_a_restart()
    {
        using (var store = Open())
        {
            Add(store, "a");
            Add(store, "b");
            store.Release(Key("a"));
        }
        _time.Advance(TimeSpan.FromSeconds(4));
        using (var store = Open())
        {
            Assert.Equal(TimeSpan.FromSeconds(6), Assert.Single(store.Resting()).Left);
            Assert.Throws<CniException>(() => Add(store, "c"));
            _time.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal("10.0.0.1", Add(store, "c"));
        }
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public void A_step_of_the_wall_clock_neither_ends_nor_prolongs_a_rest(int seconds)
    {
        using var store = Open();
        Add(store, "a");
        Add(store, "b");
        store.Release(Key("a"));
        _time.StepWallClock(TimeSpan.FromSeconds(seconds));
        Assert.Throws<CniException>(() => Add(store, "c"));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("10.0.0.1", Add(store, "c"));
    }

    [Fact]
    public void A_wall_clock_that_was_set_back_while_the_agent_was_away_prolongs_no_rest()
    {
        using (var store = Open())
        {
            Add(store, "a");
            store.Release(Key("a"));
        }
        _time.StepWallClock(TimeSpan.FromDays(-365));
        using (var store = Open())
            Assert.Equal(TimeSpan.FromSeconds(10), Assert.Single(store.Resting()).Left);
    }

    [Fact]
    public void Reserved_addresses_are_neither_given_nor_counted()
    {
        using var store = Open(Range("10.0.0.0/29", "", "10.0.0.0/30", "10.0.0.5"));
        Assert.Equal(2, Assert.Single(store.Usage()).Capacity);
        Assert.Equal(["10.0.0.4", "10.0.0.6"], [Add(store, "a"), Add(store, "b")]);
        Assert.Contains("2 of 2", Assert.Throws<CniException>(() => Add(store, "c")).Message, StringComparison.Ordinal);
        var e = Assert.Throws<CniException>(() => Add(store, "c", "10.0.0.5"));
        Assert.Equal((CniErrorCode.InvalidConfiguration, true), (e.Code, e.Message.Contains("reserved", StringComparison.Ordinal)));
        Assert.Throws<CniException>(() => Add(store, "c", "10.0.0.7"));
    }

    [Fact]
    public void A_fixed_address_is_given_at_once_and_to_one_only()
    {
        using var store = Open(Range("10.0.0.0/29"));
        Assert.Equal("10.0.0.4", Add(store, "a", "10.0.0.4"));
        var e = Assert.Throws<CniException>(() => Add(store, "b", "10.0.0.4"));
        Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        Assert.Contains("container a (eth0 of network weft) holds since 2030-01-01T00:00:00Z", e.Message, StringComparison.Ordinal);
        store.Release(Key("a"));
        // Who asks for this very address wants it to be the same as before.
        Assert.Equal("10.0.0.4", Add(store, "b", "10.0.0.4"));
        Assert.Equal(CniErrorCode.InvalidConfiguration, Assert.Throws<CniException>(() => Add(store, "c", "10.9.0.4")).Code);
    }

    [Fact]
    public void Ranges_of_pools_are_taken_from_in_the_order_of_the_choice()
    {
        using var store = Open(Range("10.0.0.0/30"), Range("10.1.0.0/30", "web"), Range("10.2.0.0/30", "db"), Range("10.2.0.4/30", "db"));
        string From(string container, params string[] pools) =>
            store.Allocate(Request(container), [new FamilyChoice(false, [.. pools])], []).Attachment.Addresses[0].ToString();
        Assert.Equal("10.1.0.1", From("a", "web", "db"));
        Assert.Equal("10.1.0.2", From("b", "web", "db"));
        Assert.Equal("10.2.0.1", From("c", "web", "db"));
        Assert.Equal("10.2.0.2", From("d", "db"));
        Assert.Equal("10.2.0.5", From("e", "db"));
        var e = Assert.Throws<CniException>(() => From("f", "web"));
        Assert.Contains("block 10.1.0.0/30 of pool web of node n1 is exhausted: 2 of 2", e.Message, StringComparison.Ordinal);
        Assert.Equal("10.0.0.1", Add(store, "f"));
    }

    [Fact]
    public void A_borrowed_address_is_given_though_no_range_holds_it_and_rests_where_it_came_from()
    {
        var borrowed = System.Net.IPAddress.Parse("10.77.0.9");
        using var store = Open();
        Assert.Equal([borrowed], store.Allocate(Request("a"), [new FamilyChoice(false, [""])], [borrowed]).Attachment.Addresses);
        Assert.Throws<CniException>(() => store.Allocate(Request("b"), [new FamilyChoice(false, [""])], [borrowed]));
        store.Release(Key("a"));
        Assert.Equal(TimeSpan.FromSeconds(10), store.RestOf(borrowed));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(store.RestOf(borrowed) <= TimeSpan.Zero);
    }

    [Fact]
    public void What_was_judged_is_released_only_while_it_is_the_same()
    {
        using var store = Open();
        var judged = store.Allocate(Request("a"));
        store.Release(Key("a"));
        var again = store.Allocate(Request("a") with { Mtu = 1400 });
        Assert.False(store.ReleaseUnchanged(judged));
        Assert.Equal(again, store.Find(Key("a")));
        Assert.True(store.ReleaseUnchanged(again));
        Assert.Null(store.Find(Key("a")));
    }
}
