using System.Net;
using CsCheck;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam;

public sealed class AddressStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private static IpPrefix[] Cidrs(params string[] cidrs) => [.. cidrs.Select(IpPrefix.Parse)];

    private readonly FakeTime _time = new();

    private AddressStore Open(params string[] cidrs)
    {
        var store = AddressStore.Open(_directory.Path, _time);
        store.SetCidrs("n1", Cidrs(cidrs));
        return store;
    }

    private static AttachmentRecord Add(AddressStore store, string container, string netns = "/run/netns/x") =>
        store.Allocate(new AttachmentRequest(Key(container, "eth0"), netns, 1450) { Pod = new ObjectKey("default", container), PodUid = $"uid-{container}" });

    private static AttachmentKey Key(string container, string interfaceName) => new(Attachment.DefaultNetwork, container, interfaceName);

    private static string AddressesOf(AttachmentRecord record) => string.Join(",", record.Attachment.Addresses);

    [Fact]
    public void Hands_out_from_the_second_address_to_the_last_but_one()
    {
        using var store = Open("10.0.0.0/29");
        Assert.Equal(
            ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"],
            Enumerable.Range(0, 6).Select(i => AddressesOf(Add(store, $"c{i}"))));
        var e = Assert.Throws<CniException>(() => Add(store, "c6"));
        Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        Assert.Equal("pod CIDR 10.0.0.0/29 of node n1 is exhausted: 6 of 6 addresses are in use", e.Message);
        Assert.NotNull(e.Details);
    }

    [Fact]
    public void A_dual_stack_node_gives_an_address_of_each_family_or_none()
    {
        using var store = Open("10.0.0.0/30", "fd00::/64");
        Assert.Equal("10.0.0.1,fd00::1", AddressesOf(Add(store, "a")));
        Assert.Equal("10.0.0.2,fd00::2", AddressesOf(Add(store, "b")));
        Assert.Throws<CniException>(() => Add(store, "c"));
        store.Release(Key("a", "eth0"));
        _time.Advance(store.RestTime);
        // The IPv6 pool gave nothing to the attempt that failed for want of IPv4.
        Assert.Equal("10.0.0.1,fd00::3", AddressesOf(Add(store, "d")));
    }

    [Fact]
    public void A_released_address_rests_as_long_as_possible()
    {
        using var store = Open("10.0.0.0/29");
        Add(store, "a");
        Add(store, "b");
        store.Release(Key("b", "eth0"));
        store.Release(Key("a", "eth0"));
        _time.Advance(store.RestTime);
        Assert.Equal(
            ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2", "10.0.0.1"],
            Enumerable.Range(0, 6).Select(i => AddressesOf(Add(store, $"c{i}"))));
    }

    [Fact]
    public void The_same_container_and_interface_keep_their_address()
    {
        using var store = Open("10.0.0.0/24");
        var first = Add(store, "a");
        Assert.Equal(first.Attachment.Addresses, Add(store, "a", "/run/netns/y").Attachment.Addresses);
        Assert.Equal("/run/netns/y", store.Find(Key("a", "eth0"))!.Attachment.NetworkNamespace);
        Assert.NotEqual(first.Attachment.Addresses, store.Allocate(new AttachmentRequest(Key("a", "eth1"), "/run/netns/x", 1450)).Attachment.Addresses);
    }

    [Fact]
    public void Comes_back_with_everything_after_reopening()
    {
        AttachmentRecord a, b;
        using (var store = Open("10.0.0.0/29"))
        {
            a = Add(store, "a");
            Add(store, "gone");
            b = Add(store, "b");
            store.Release(Key("gone", "eth0"));
        }
        using (var store = Open("10.0.0.0/29"))
        {
            Assert.Equal([a, b], store.Attachments);
            _time.Advance(store.RestTime);
            Assert.Equal(
                ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"],
                Enumerable.Range(0, 4).Select(i => AddressesOf(Add(store, $"c{i}"))));
        }
    }

    [Fact]
    public void Interface_names_fit_the_kernel_and_differ()
    {
        using var store = Open("10.0.0.0/16");
        var names = Enumerable.Range(0, 1000).Select(i => Add(store, $"container-{i}").Attachment).ToList();
        Assert.All(names, a => Assert.Null(CniNames.CheckInterfaceName(a.HostInterface)));
        Assert.All(names, a => Assert.StartsWith("weft", a.HostInterface, StringComparison.Ordinal));
        Assert.Equal(1000, names.Select(a => a.HostInterface).Distinct().Count());
        Assert.Equal(1000, names.Select(a => a.Mac).Distinct().Count());
        // IEEE 802: bit 0 of the first byte is multicast, bit 1 locally administered.
        Assert.All(names, a => Assert.Equal(2, Convert.ToByte(a.Mac[..2], 16) & 3));
    }

    [Fact]
    public void Prefixes_that_overlap_or_cannot_serve_are_refused_and_named()
    {
        using var store = Open("10.0.0.0/24");
        Refused("10.1.0.0/16 and 10.1.2.0/24 overlap", "10.1.0.0/16", "10.1.2.0/24");
        Refused("10.1.0.0/31 is too small", "10.1.0.0/31");
        Assert.Equal(Cidrs("10.0.0.0/24"), store.Cidrs);

        void Refused(string inMessage, params string[] cidrs)
        {
            var e = Assert.Throws<AddressStoreException>(() => store.SetCidrs("n1", Cidrs(cidrs)));
            Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
            Assert.Contains("n1", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_change_of_prefix_keeps_attachments_and_tells_which_lie_outside()
    {
        using var store = Open("10.0.0.0/29");
        var old = Add(store, "old");
        Assert.Equal([old], store.SetCidrs("n1", Cidrs("10.9.0.0/29")));
        Assert.Equal("10.9.0.1", AddressesOf(Add(store, "new")));
        Assert.True(store.Release(Key("old", "eth0")));
        // Back to the first prefix: the old address now rests behind those never used.
        store.SetCidrs("n1", Cidrs("10.0.0.0/29"));
        Assert.Equal("10.0.0.2", AddressesOf(Add(store, "c")));
    }

    [Fact]
    public void Without_a_prefix_the_error_says_what_is_missing()
    {
        using var store = AddressStore.Open(_directory.Path, TimeProvider.System);
        var e = Assert.Throws<CniException>(() => Add(store, "a"));
        Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        Assert.Contains("spec.podCIDRs", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_agent_on_the_same_directory_is_refused()
    {
        using var store = Open("10.0.0.0/24");
        Assert.Contains("in use by another weft-agent", Assert.Throws<AddressStoreException>(() => Open("10.0.0.0/24")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reconcile_frees_what_is_not_alive()
    {
        using var store = Open("10.0.0.0/24");
        Add(store, "a");
        var b = Add(store, "b");
        Add(store, "c");
        Assert.Equal([b], store.Reconcile([Key("a", "eth0"), Key("c", "eth0"), Key("unknown", "eth0")]));
        Assert.Null(store.Find(Key("b", "eth0")));
        Assert.Empty(store.Reconcile([Key("a", "eth0"), Key("c", "eth0")]));
    }

    [Fact]
    public void Damage_within_the_journal_is_an_error_that_names_file_and_line()
    {
        using (var store = Open("10.0.0.0/24"))
        {
            Add(store, "a");
            Add(store, "b");
        }
        var path = _directory.File("attachments.journal");
        var bytes = File.ReadAllBytes(path);
        bytes[40] ^= 1;
        File.WriteAllBytes(path, bytes);
        var e = Assert.Throws<AddressStoreException>(() => Open("10.0.0.0/24"));
        Assert.Contains($"line 1 of {path}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_history_is_compacted_without_losing_the_order_of_rest()
    {
        using (var store = Open("10.0.0.0/29", "fd00::/64"))
        {
            Add(store, "keep");
            for (var i = 0; i < 1500; i++)
            {
                Add(store, $"c{i}");
                store.Release(Key($"c{i}", "eth0"));
                _time.Advance(store.RestTime);
            }
        }
        Assert.InRange(File.ReadLines(_directory.File("attachments.journal")).Count(), 1, 2100);
        using (var store = Open("10.0.0.0/29", "fd00::/64"))
        {
            Assert.Equal(["keep"], store.Attachments.Select(r => r.Attachment.ContainerId));
            // 1500 took .2 to .6 in turn, 300 times round; .2 has rested longest.
            Assert.Equal(["10.0.0.2", "10.0.0.3", "10.0.0.4"], Enumerable.Range(0, 3).Select(i => Add(store, $"d{i}").Attachment.Addresses[0].ToString()));
        }
    }

    // Killed at any instruction: the file ends at any byte of what was written. Whatever is left must open, and hold what some prefix of
    // the history led to.
    [Fact]
    public void A_journal_cut_at_any_byte_opens_to_a_state_that_once_was()
    {
        var states = new List<string>();
        using (var store = Open("10.0.0.0/29"))
        {
            Record();
            foreach (var (add, name) in new[] { (true, "a"), (true, "b"), (false, "a"), (true, "c"), (true, "b"), (false, "b"), (true, "d") })
            {
                if (add)
                    Add(store, name);
                else
                    store.Release(Key(name, "eth0"));
                Record();
            }

            void Record() => states.Add(Describe(store));
        }
        var path = _directory.File("attachments.journal");
        var whole = File.ReadAllBytes(path);
        var reached = 0;
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            using (var store = Open("10.0.0.0/29"))
            {
                var index = states.IndexOf(Describe(store), reached);
                Assert.True(index >= reached, $"cut at {length}: {Describe(store)} is no state of the history after {states[reached]}");
                reached = index;
                Add(store, "after");
            }
            // What is appended after a torn line must not be lost with it.
            using (var store = Open("10.0.0.0/29"))
                Assert.NotNull(store.Find(Key("after", "eth0")));
        }
        Assert.Equal(states.Count - 1, reached);

        static string Describe(AddressStore store) =>
            string.Join(" ", store.Attachments.OrderBy(r => r.Attachment.ContainerId).Select(r => $"{r.Attachment.ContainerId}={AddressesOf(r)}"));
    }

    [Fact]
    public void No_two_attachments_share_an_address_whatever_the_history()
    {
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9]).Array[1, 60].Sample(steps =>
        {
            using var directory = new TemporaryDirectory();
            var time = new FakeTime();
            var store = AddressStore.Open(directory.Path, time);
            try
            {
                store.SetCidrs("n1", Cidrs("10.0.0.0/29", "fd00::/125"));
                foreach (var (action, container) in steps)
                {
                    if (action == 0)
                    {
                        store.Dispose();
                        store = AddressStore.Open(directory.Path, time);
                        store.SetCidrs("n1", Cidrs("10.0.0.0/29", "fd00::/125"));
                    }
                    else if (action == 1)
                    {
                        time.Advance(TimeSpan.FromSeconds(container));
                    }
                    else if (action < 5)
                    {
                        store.Release(Key($"c{container}", "eth0"));
                    }
                    else
                    {
                        try
                        {
                            Add(store, $"c{container}");
                        }
                        catch (CniException e) when (e.Code == CniErrorCode.TryAgainLater)
                        {
                            Assert.Equal(6, store.Attachments.Count + store.Resting().Count / 2);
                        }
                    }
                    var addresses = store.Attachments.SelectMany(r => r.Attachment.Addresses.AsImmutableArray()).ToList();
                    Assert.Equal(addresses.Count, addresses.Distinct().Count());
                    Assert.DoesNotContain(IPAddress.Parse("10.0.0.0"), addresses);
                    Assert.DoesNotContain(IPAddress.Parse("10.0.0.7"), addresses);
                }
            }
            finally
            {
                store.Dispose();
            }
        }, iter: 200);
    }

    [Fact]
    public async Task Allocations_at_once_are_all_different_and_all_on_disk()
    {
        string[] addresses;
        using (var store = Open("10.0.0.0/24"))
        {
            addresses = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(async () =>
            {
                var record = Add(store, $"c{i}");
                await store.SyncAsync();
                return AddressesOf(record);
            })));
        }
        Assert.Equal(100, addresses.Distinct().Count());
        using (var store = Open("10.0.0.0/24"))
            Assert.Equal(addresses.Order(), store.Attachments.Select(AddressesOf).Order());
    }
}
