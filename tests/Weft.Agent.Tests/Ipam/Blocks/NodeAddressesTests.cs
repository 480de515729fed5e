using System.Net;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam.Blocks;

/// <summary>Two nodes whose watches tell everything at once.</summary>
public sealed class NodeAddressesTests : IDisposable
{
    private readonly FakeBlockApi _api = new();
    private readonly FakeTime _time = new();
    private readonly FakeNode _a;
    private readonly FakeNode _b;

    public NodeAddressesTests()
    {
        // An owner answers while the borrower waits: in a test, as soon as the API has changed.
        _a = new FakeNode("a", _api, _time);
        _b = new FakeNode("b", _api, _time);
        foreach (var node in Nodes)
        {
            node.AddNode("a", "10.244.1.0/30");
            node.AddNode("b", "10.244.2.0/30");
        }
    }

    private FakeNode[] Nodes => [_a, _b];

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    private void Pools(params IpPool[] pools)
    {
        foreach (var node in Nodes)
        {
            foreach (var pool in pools)
                node.Cluster.Pools.Upsert(pool.Name, pool);
            node.Hear();
        }
    }

    private async Task SettleAsync()
    {
        for (var i = 0; i < 3; i++)
            foreach (var node in Nodes)
            {
                node.Hear();
                await node.TendAsync();
                node.Hear();
            }
    }

    private static async Task<CniException> RefusedAsync(int code, Func<Task> call)
    {
        var e = await Assert.ThrowsAsync<CniException>(call);
        Assert.Equal(code, e.Code);
        return e;
    }

    private async Task WithOwnersAnsweringAsync(Func<Task> work)
    {
        // Hears and answers when anything changes, as an agent does.
        void Answer()
        {
            foreach (var node in Nodes)
                node.Hear();
            foreach (var node in Nodes)
                node.TendAsync().GetAwaiter().GetResult();
        }

        var busy = false;
        void OnChange()
        {
            if (busy)
                return;
            busy = true;
            try
            {
                Answer();
                Answer();
            }
            finally
            {
                busy = false;
            }
        }

        _api.Changed += OnChange;
        try
        {
            await work();
        }
        finally
        {
            _api.Changed -= OnChange;
        }
    }

    [Fact]
    public async Task Blocks_are_claimed_when_no_range_has_room_and_each_by_one_node()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30));
        Assert.Equal("10.50.0.1", await _a.AddAsync("1"));
        // b has not heard of it: the name of the block's object tells it.
        Assert.Equal("10.50.0.5", await _b.AddAsync("1"));
        Assert.Equal("10.50.0.2", await _a.AddAsync("2"));
        _a.Hear();
        Assert.Equal("10.50.0.9", await _a.AddAsync("3"));
        Assert.Equal(["a", "b", "a"], _api.Blocks.Values.OrderBy(b => b.Cidr).Select(b => b.Node));
    }

    [Fact]
    public async Task A_pool_named_by_a_network_configuration_is_the_only_one_taken_from()
    {
        Pools(FakeNode.Pool("auto", "10.50.0.0/28", 30), FakeNode.Pool("bridged", "10.60.0.0/29", 30, strict: true));
        Assert.Equal("10.60.0.1", await _a.AddOfAsync("bridged", "1"));
        Assert.Equal("10.50.0.1", await _a.AddOfAsync(null, "2"));
        Assert.Equal("10.60.0.2", await _a.AddOfAsync("bridged", "3", "10.60.0.2"));
        // The next of its blocks when the first is full, and then no other pool's and no other prefix's.
        Assert.Equal("10.60.0.5", await _a.AddOfAsync("bridged", "4"));
        Assert.Equal("10.60.0.6", await _a.AddOfAsync("bridged", "5"));
        Assert.Contains("bridged", (await RefusedAsync(CniErrorCode.TryAgainLater, () => _a.AddOfAsync("bridged", "6"))).Message, StringComparison.Ordinal);
        _a.Hear();
        Assert.Equal(CniErrorCode.TryAgainLater, Assert.Throws<CniException>(() => _a.Addresses.RequireRoom("bridged")).Code);
        _a.Addresses.RequireRoom("auto");
        var outside = await RefusedAsync(CniErrorCode.InvalidConfiguration, () => _a.AddOfAsync("bridged", "7", "10.50.0.2"));
        Assert.Equal("ipam.pool is 'bridged': address 10.50.0.2 was asked for, which is outside of 10.60.0.0/29 of IPPool bridged", outside.Message);
    }

    [Fact]
    public async Task A_pool_that_a_network_configuration_cannot_have_is_refused_by_name()
    {
        Pools(
            FakeNode.Pool("off", "10.51.0.0/28", 30, disabled: true), FakeNode.Pool("elsewhere", "10.52.0.0/28", 30, nodeZone: "b"),
            FakeNode.Pool("good", "10.53.0.0/28", 30), FakeNode.Pool("overlapping", "10.53.0.0/29", 30));
        foreach (var (pool, words) in new[]
        {
            ("none", "ipam.pool is 'none': there is no IPPool none"),
            ("off", "ipam.pool is 'off': IPPool off is disabled"),
            ("elsewhere", "ipam.pool is 'elsewhere': the nodeSelector of IPPool elsewhere does not match node a"),
            ("overlapping", "ipam.pool is 'overlapping': IPPool overlapping cannot be used: spec.cidr is '10.53.0.0/29': it overlaps 10.53.0.0/28 of the older IPPool good"),
        })
        {
            Assert.StartsWith(words, (await RefusedAsync(CniErrorCode.InvalidConfiguration, () => _a.AddOfAsync(pool, "1"))).Message, StringComparison.Ordinal);
            Assert.Equal(CniErrorCode.InvalidConfiguration, Assert.Throws<CniException>(() => _a.Addresses.RequireRoom(pool)).Code);
        }
        Assert.Empty(_a.Store.Attachments);
        Assert.Empty(_api.Blocks);
        Assert.Equal("10.52.0.1", await _b.AddOfAsync("elsewhere", "1"));
    }

    [Fact]
    public async Task The_nodes_own_prefix_serves_when_every_pool_is_full_and_nothing_is_left_is_said()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/30", 30, strict: true));
        Assert.Equal(["10.50.0.1", "10.50.0.2", "10.244.1.1", "10.244.1.2"], [await _a.AddAsync("1"), await _a.AddAsync("2"), await _a.AddAsync("3"), await _a.AddAsync("4")]);
        var e = await RefusedAsync(CniErrorCode.TryAgainLater, () => _a.AddAsync("5"));
        Assert.StartsWith("pod CIDR 10.244.1.0/30, block 10.50.0.0/30 of pool p of node a are exhausted: 4 of 4 addresses are in use", e.Message, StringComparison.Ordinal);
        Assert.Contains("IPPool p has strictAffinity: nothing of it is borrowed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_runs_out_borrows_uses_and_returns()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/30", 30));
        Assert.Equal("10.50.0.1", await _b.AddAsync("1"));
        _a.Hear();
        await _a.AddAsync("1");
        await _a.AddAsync("2");
        await WithOwnersAnsweringAsync(async () => Assert.Equal("10.50.0.2", await _a.AddAsync("3")));
        var loan = Assert.Single(Assert.Single(_api.Blocks.Values).Loans);
        Assert.Equal(("a", IPAddress.Parse("10.50.0.2")), (loan.Node, loan.Address));
        // Both remember over a restart, and the owner does not give it away.
        foreach (var node in Nodes)
            node.Restart();
        await SettleAsync();
        Assert.Single(Assert.Single(_api.Blocks.Values).Loans);
        Assert.Equal("10.244.2.1", await _b.AddAsync("2"));

        _a.Release("3");
        await SettleAsync();
        Assert.Single(Assert.Single(_api.Blocks.Values).Loans);
        _time.Advance(TimeSpan.FromSeconds(10));
        await SettleAsync();
        Assert.Empty(Assert.Single(_api.Blocks.Values).Loans);
        Assert.Equal("10.50.0.2", Assert.Single(_b.Store.Resting()).Address.ToString());
    }

    [Fact]
    public async Task An_owner_that_is_away_costs_some_waiting_and_leaves_no_request_behind()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/30", 30));
        await _b.AddAsync("1");
        _a.Hear();
        await _a.AddAsync("1");
        await _a.AddAsync("2");
        var e = await RefusedAsync(CniErrorCode.TryAgainLater, () => _a.AddAsync("3"));
        Assert.Contains("10-50-0-0-30: its node did not answer within 0 s", e.Message, StringComparison.Ordinal);
        await SettleAsync();
        await SettleAsync();
        Assert.Empty(Assert.Single(_api.Blocks.Values).Loans);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("10.50.0.2", await _b.AddAsync("2"));
    }

    [Fact]
    public async Task A_fixed_address_claims_its_block_or_is_borrowed_by_name()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30, reserved: "10.50.0.13"));
        Assert.Equal("10.50.0.6", await _a.AddAsync("1", "10.50.0.6"));
        Assert.Equal("10.50.0.4/30", Assert.Single(_api.Blocks.Values).Cidr.ToString());
        _b.Hear();
        await WithOwnersAnsweringAsync(async () => Assert.Equal("10.50.0.5", await _b.AddAsync("1", "10.50.0.5")));
        await WithOwnersAnsweringAsync(async () =>
        {
            var e = await RefusedAsync(CniErrorCode.TryAgainLater, () => _b.AddAsync("2", "10.50.0.6"));
            Assert.Contains("which container 1 (eth0 of network weft) holds", e.Message, StringComparison.Ordinal);
        });
        await RefusedAsync(CniErrorCode.InvalidConfiguration, () => _b.AddAsync("2", "10.50.0.13"));
        await RefusedAsync(CniErrorCode.InvalidConfiguration, () => _b.AddAsync("2", "10.99.0.1"));
    }

    [Fact]
    public async Task Empty_blocks_go_back_after_a_while_but_not_the_last_of_a_pool()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30));
        await _a.AddAsync("1");
        await _a.AddAsync("2");
        _a.Hear();
        await _a.AddAsync("3");
        await SettleAsync();
        Assert.Equal(2, _api.Blocks.Count);
        _a.Release("1");
        _a.Release("2");
        for (var i = 0; i < 8; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await SettleAsync();
        }
        Assert.Equal("10.50.0.4/30", Assert.Single(_api.Blocks.Values).Cidr.ToString());
        Assert.Equal("10.50.0.6", await _a.AddAsync("4"));
        _a.Release("3");
        _a.Release("4");
        for (var i = 0; i < 8; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await SettleAsync();
        }
        Assert.Single(_api.Blocks);
        // Unless the pool is not to be used any more.
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30, disabled: true));
        for (var i = 0; i < 8; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await SettleAsync();
        }
        Assert.Empty(_api.Blocks);
    }

    [Fact]
    public async Task A_block_is_claimed_ahead_of_need_while_the_pool_has_plenty()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/24", 29));
        for (var i = 0; i < 4; i++)
            await _a.AddAsync($"{i}");
        await SettleAsync();
        Assert.Single(_api.Blocks);
        await _a.AddAsync("5");
        await SettleAsync();
        Assert.Equal(2, _api.Blocks.Count);
        await SettleAsync();
        Assert.Equal(2, _api.Blocks.Count);
    }

    [Fact]
    public async Task Blocks_of_a_node_that_is_gone_are_collected_once_nobody_uses_them()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30, nodeZone: "b"));
        await _b.AddAsync("1");
        await SettleAsync();
        _a.Cluster.Nodes.Remove("b");
        await _a.TendAsync();
        _time.Advance(TimeSpan.FromMinutes(4));
        await _a.TendAsync();
        Assert.Single(_api.Blocks);
        // It came back in between: the time begins anew.
        _a.AddNode("b", "10.244.2.0/30");
        await _a.TendAsync();
        _a.Cluster.Nodes.Remove("b");
        await _a.TendAsync();
        _time.Advance(TimeSpan.FromMinutes(4));
        await _a.TendAsync();
        Assert.Single(_api.Blocks);
        _time.Advance(TimeSpan.FromMinutes(1));
        await _a.TendAsync();
        Assert.Empty(_api.Blocks);
    }

    [Fact]
    public async Task A_block_deleted_under_its_pods_is_claimed_again()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30));
        await _a.AddAsync("1");
        await SettleAsync();
        await _api.DeleteAsync(Assert.Single(_api.Blocks.Values), default);
        await SettleAsync();
        Assert.Equal(("10.50.0.0/30", "a"), (Assert.Single(_api.Blocks.Values).Cidr.ToString(), Assert.Single(_api.Blocks.Values).Node));
        Assert.Contains(_a.Log, l => l.Contains("was deleted while container 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_without_pod_prefix_claims_its_first_block_unasked_and_keeps_it()
    {
        foreach (var node in Nodes)
            node.AddNode("a");
        Assert.Equal("Node a has no spec.podCIDRs", Problem(_a));
        Pools(FakeNode.Pool("p", "10.50.0.0/28", 30));
        Assert.Equal("Node a has no spec.podCIDRs and no block of a pool yet", Problem(_a));
        await SettleAsync();
        Assert.Null(Problem(_a));
        Assert.Equal("10.50.0.1", await _a.AddAsync("1"));

        static string? Problem(FakeNode node)
        {
            node.Addresses.Follow(node.Cluster.Current);
            return node.Addresses.Problem;
        }
    }

    [Fact]
    public async Task An_owner_that_lost_its_journal_does_not_give_away_what_it_lent()
    {
        Pools(FakeNode.Pool("p", "10.50.0.0/30", 30));
        await _b.AddAsync("1");
        _a.Hear();
        await _a.AddAsync("1");
        await _a.AddAsync("2");
        await WithOwnersAnsweringAsync(async () => Assert.Equal("10.50.0.2", await _a.AddAsync("3")));
        using var anew = new FakeNode("b", _api, _time);
        anew.AddNode("a", "10.244.1.0/30");
        anew.AddNode("b", "10.244.2.0/30");
        anew.Cluster.Pools.Upsert("p", FakeNode.Pool("p", "10.50.0.0/30", 30));
        anew.Hear();
        Assert.NotEqual("10.50.0.2", await anew.AddAsync("x"));
        Assert.NotEqual("10.50.0.2", await anew.AddAsync("y"));
    }
}
