namespace Weft.Agent.Tests;

/// <summary>A clock that a test moves by hand. Steps of the wall clock alone are apart from time that passes.</summary>
internal sealed class FakeTime : TimeProvider
{
    private DateTimeOffset _wall = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _wall;

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan by)
    {
        _wall += by;
        _ticks += by.Ticks;
    }

    public void StepWallClock(TimeSpan by) => _wall += by;
}
