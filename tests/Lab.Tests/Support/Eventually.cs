namespace Lab.Tests.Support;

/// <summary>Waiting for a cluster to become what it should: looked at again and again, without a pause that is longer than needed.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>Waits until there is no problem any more.</summary>
    /// <param name="problem">Null when all is well, otherwise what is still missing.</param>
    /// <exception cref="TimeoutException">It lasted; the message has the last problem.</exception>
    public static async Task NoneAsync(Func<Task<string?>> problem, TimeSpan? patience = null)
    {
        var deadline = Environment.TickCount64 + (long)(patience ?? Patience).TotalMilliseconds;
        while (await problem() is { } said)
        {
            if (Environment.TickCount64 > deadline)
                throw new TimeoutException(said);
            await Task.Delay(Interval);
        }
    }

    public static Task NoneAsync(Func<string?> problem, TimeSpan? patience = null) => NoneAsync(() => Task.FromResult(problem()), patience);
}
