using Weft.Drill;

namespace Drill.Tests;

public sealed class ScheduleTests
{
    [Fact]
    public void The_same_seed_gives_the_same_schedule_and_another_seed_another()
    {
        Assert.Equal(Describe(7), Describe(7));
        Assert.NotEqual(Describe(7), Describe(8));
    }

    [Fact]
    public void Three_hundred_attachments_meet_everything_that_can_happen()
    {
        var plans = Enumerable.Range(0, 300).Select(i => AttachmentPlan.Draw(1, i)).ToList();
        Assert.Equal(Enum.GetValues<Ending>().Order(), plans.Select(p => p.Ending).Distinct().Order());
        Assert.Contains(plans, p => p.KillAdd is not null);
        Assert.Contains(plans, p => p.KillDelete is not null);
        Assert.Contains(plans, p => p.Pod);
        Assert.Contains(plans, p => p.HostPort);
        Assert.Contains(plans, p => p.Limited);
        Assert.Contains(plans, p => p.Network == 1);
        var schedule = new Schedule(1, 300);
        Assert.InRange(schedule.Kills, 2, 20);
        Assert.Contains(Enumerable.Range(0, 300), schedule.CollectAt);
    }

    private static string Describe(int seed)
    {
        var schedule = new Schedule(seed, 1000);
        return string.Join('\n', Enumerable.Range(0, 1000).Select(i => $"{AttachmentPlan.Draw(seed, i)} {schedule.KillAgentAt(i)} {schedule.CollectAt(i)}"));
    }
}
