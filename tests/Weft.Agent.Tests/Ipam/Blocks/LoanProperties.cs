using CsCheck;
using Weft.Agent.Ipam.Blocks;
using Weft.Kubernetes.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam.Blocks;

/// <summary>
/// Three nodes over one API whose answers get lost and whose watches tell late, twice, or of the past. Whatever happens, no two pods have the same
/// address; and when everything works again and every pod is gone, nothing is left on loan or on record.
/// </summary>
public sealed class LoanProperties
{
    private static readonly string[] Names = ["a", "b", "c"];

    [Fact]
    public void No_address_is_had_twice_whatever_is_lost_late_or_repeated() =>
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, 2], Gen.Int[0, 5], Gen.Int[0, 99]).Array[1, 80].Sample(
            steps => RunAsync(steps).GetAwaiter().GetResult(), iter: 400);

    private static async Task RunAsync((int Action, int Node, int Container, int Chance)[] steps)
    {
        var (api, time) = (new FakeBlockApi(), new FakeTime());
        var nodes = Names.Select(n => new FakeNode(n, api, time)).ToList();
        try
        {
            foreach (var node in nodes)
            {
                foreach (var name in Names)
                    node.AddNode(name);
                node.Cluster.Pools.Upsert("p", FakeNode.Pool("p", "10.50.0.0/28", 30));
                node.Hear();
            }
            foreach (var (action, index, container, chance) in steps)
            {
                var node = nodes[index];
                api.Fate = () => (chance < 10, chance < 5);
                await StepAsync(nodes, node, api, time, action, container, chance);
                var had = nodes.SelectMany(n => n.OfPods).ToList();
                Assert.Equal(had.Count, had.Distinct().Count());
                // What makes it so: as long as the object says that an address is lent, its owner has that on record.
                foreach (var block in api.Blocks.Values)
                    foreach (var loan in block.Loans.Where(l => l.Address is not null))
                        Assert.NotNull(nodes.Single(n => n.Name == block.Node).Store.Find(Lender.KeyOf(block.Name, loan.Id)));
            }
            await EndAsync(nodes, api, time);
        }
        finally
        {
            foreach (var node in nodes)
                node.Dispose();
        }
    }

    private static async Task StepAsync(List<FakeNode> nodes, FakeNode node, FakeBlockApi api, FakeTime time, int action, int container, int chance)
    {
        try
        {
            switch (action)
            {
                case 0:
                    node.Restart();
                    break;
                case 1:
                    time.Advance(TimeSpan.FromSeconds(container * 2));
                    break;
                case 2:
                    // A watch that jumps back; after a restart an agent lists first, which is never of the past.
                    node.Hear(api.History[Math.Max(0, api.History.Count - 1 - chance / 8)]);
                    break;
                case 3 or 4:
                    node.Hear();
                    break;
                case 5 or 6:
                    await node.TendAsync();
                    break;
                case 7:
                    node.Release($"c{container}");
                    break;
                default:
                    // While it waits for an answer, some owners hear and answer.
                    void Answer()
                    {
                        api.Changed -= Answer;
                        foreach (var other in nodes.Where((_, i) => (chance >> i & 1) == 0))
                        {
                            other.Hear();
                            if (other != node)
                                Ignoring(() => other.TendAsync());
                        }
                        node.Hear();
                    }

                    api.Changed += Answer;
                    try
                    {
                        await node.AddAsync($"c{container}");
                    }
                    finally
                    {
                        api.Changed -= Answer;
                    }
                    break;
            }
        }
        catch (Exception e) when (e is BlockApiException or CniException { Code: CniErrorCode.TryAgainLater })
        {
            // Lost, full or without a block: fails, and harms nobody.
        }
    }

    private static void Ignoring(Func<Task> call)
    {
        try
        {
            call().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is BlockApiException or CniException)
        {
        }
    }

    private static async Task EndAsync(List<FakeNode> nodes, FakeBlockApi api, FakeTime time)
    {
        api.Fate = () => (false, false);
        foreach (var node in nodes)
            for (var i = 0; i <= 5; i++)
                node.Release($"c{i}");
        for (var round = 0; round < 4; round++)
        {
            time.Advance(TimeSpan.FromSeconds(11));
            foreach (var node in nodes)
            {
                node.Hear();
                await node.TendAsync();
            }
        }
        Assert.All(api.Blocks.Values, b => Assert.Empty(b.Loans));
        Assert.All(nodes, n => Assert.Empty(n.Store.Attachments));
    }
}
