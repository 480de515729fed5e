using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

public class DnsCacheTests
{
    private readonly Clock _clock = new();

    private static DnsQuestion Question(string name, bool dnssec = false) => new(name, DnsType.A, dnssec, false);

    private static UpstreamAnswer Answer(uint lifetime, int bytes = 4) =>
        new(DnsResponseCode.NoError, [new UpstreamRecord(DnsSection.Answer, "a", DnsType.A, 1, lifetime, new byte[bytes])], lifetime);

    [Fact]
    public void An_answer_ages_and_goes_when_its_time_is_up()
    {
        var cache = new DnsCache(10, 10_000, _clock);
        cache.Add(Question("a"), Answer(10));
        Assert.Equal(0u, cache.Find(Question("a"))!.Value.Age);
        _clock.Advance(9);
        Assert.Equal(9u, cache.Find(Question("a"))!.Value.Age);
        _clock.Advance(1);
        Assert.Null(cache.Find(Question("a")));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void What_may_not_be_remembered_is_not_and_other_questions_are_apart()
    {
        var cache = new DnsCache(10, 10_000, _clock);
        cache.Add(Question("a"), Answer(0));
        Assert.Null(cache.Find(Question("a")));
        cache.Add(Question("a"), Answer(10));
        Assert.Null(cache.Find(Question("a", dnssec: true)));
        Assert.Null(cache.Find(new DnsQuestion("a", DnsType.Aaaa, false, false)));
    }

    [Fact]
    public void The_oldest_make_room()
    {
        var cache = new DnsCache(2, 10_000, _clock);
        foreach (var name in new[] { "a", "b", "c" })
            cache.Add(Question(name), Answer(10));
        Assert.Null(cache.Find(Question("a")));
        Assert.NotNull(cache.Find(Question("b")));
        var small = new DnsCache(100, 1000, _clock);
        foreach (var name in new[] { "a", "b", "c" })
            small.Add(Question(name), Answer(10, 400));
        Assert.Equal(2, small.Count);
        small.Add(Question("huge"), Answer(10, 2000));
        Assert.Equal(2, small.Count);
    }

    private sealed class Clock : TimeProvider
    {
        private long _seconds = 1000;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds;

        public void Advance(long seconds) => _seconds += seconds;
    }
}
