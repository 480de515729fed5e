using CsCheck;
using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam;

/// <summary>The journal when the machine loses power, reboots, or its disk fails.</summary>
public sealed class PowerTests
{
    private readonly FakeJournalDisk _disk = new();
    private readonly FakeTime _time = new();

    private static AttachmentKey Key(string container) => new("weft", container, "eth0");

    private static AttachmentRequest Request(string container, HoldKind kind = HoldKind.Attachment) => new(Key(container), "/run/netns/x", 1450) { Kind = kind };

    private AddressStore Open(string boot) => Open(_disk, _time, boot);

    private static AddressStore Open(FakeJournalDisk disk, FakeTime time, string boot)
    {
        var store = new AddressStore(disk, null, time, new AddressStoreOptions { Boot = boot });
        store.SetCidrs("n1", [IpPrefix.Parse("10.0.0.0/29")]);
        return store;
    }

    [Fact]
    public void After_a_reboot_containers_are_gone_and_loans_are_not()
    {
        using (var store = Open("boot-1"))
        {
            store.Allocate(Request("pod"));
            store.Allocate(Request("other-plugins", HoldKind.Delegated));
            store.Allocate(Request("loan", HoldKind.Loan));
        }
        using (var store = Open("boot-1"))
        {
            Assert.Equal(3, store.Attachments.Count);
            Assert.Empty(store.Found);
        }
        using (var store = Open("boot-2"))
        {
            Assert.Equal("loan", Assert.Single(store.Attachments).Attachment.ContainerId);
            Assert.Equal("the machine has been booted anew: 2 attachments ended with their containers and are released", Assert.Single(store.Found));
            Assert.Equal(["10.0.0.1", "10.0.0.2"], store.Resting().Select(r => r.Address.ToString()));
        }
        using (var store = Open("boot-2"))
            Assert.Empty(store.Found);
    }

    [Fact]
    public void Pages_that_never_reached_the_disk_are_skipped_after_a_power_cut_only()
    {
        string name;
        using (var store = Open("boot-1"))
        {
            store.Allocate(Request("loan", HoldKind.Loan));
            store.Allocate(Request("lost"));
            store.Allocate(Request("loan2", HoldKind.Loan));
            name = "attachments.journal";
        }
        var bytes = _disk.Read(name)!;
        var lines = System.Text.Encoding.UTF8.GetString(bytes).Split('\n');
        var start = lines[0].Length + lines[1].Length + 2;
        bytes.AsSpan(start, lines[2].Length + 1).Clear();
        using (var file = _disk.Open(name, empty: true))
            file.Write(bytes, 0);

        var e = Assert.Throws<AddressStoreException>(() => Open("boot-1"));
        Assert.Contains("line 3 of /disk/attachments.journal is damaged", e.Message, StringComparison.Ordinal);
        using (var store = Open("boot-2"))
        {
            Assert.Equal(["loan", "loan2"], store.Attachments.Select(r => r.Attachment.ContainerId).Order());
            Assert.Contains($"{lines[2].Length + 1} bytes of the journal never reached the disk", store.Found[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task After_a_failed_flush_nothing_counts_as_on_disk_until_all_of_it_was_written_again()
    {
        using var store = Open("boot-1");
        store.Allocate(Request("a"));
        _disk.FailFlushes = 2;
        Assert.Equal(CniErrorCode.IoFailure, (await Assert.ThrowsAsync<CniException>(store.SyncAsync)).Code);
        // The kernel forgets what it could not write: flushing once more would succeed and prove nothing.
        Assert.Equal(CniErrorCode.IoFailure, (await Assert.ThrowsAsync<CniException>(store.SyncAsync)).Code);
        await store.SyncAsync();
        _disk.CutPower(() => false);
        using var after = Open("boot-1");
        Assert.Equal("a", Assert.Single(after.Attachments).Attachment.ContainerId);
    }

    // Whatever was synced before the power went is there afterwards, as far as it outlives a boot; the store always opens.
    [Fact]
    public void Power_may_go_at_any_time()
    {
        var step = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 5], Gen.Int);
        step.Array[1, 40].Sample(steps =>
        {
            var (disk, time, boot) = (new FakeJournalDisk(), new FakeTime(), 1);
            var store = Open(disk, time, "boot-1");
            try
            {
                var synced = new HashSet<string>();
                foreach (var (action, container, seed) in steps)
                {
                    time.Advance(TimeSpan.FromSeconds(action));
                    switch (action)
                    {
                        case 0:
                            var random = new Random(seed);
                            disk.CutPower(() => random.Next(2) == 0);
                            store = Open(disk, time, $"boot-{++boot}");
                            Assert.All(store.Attachments, r => Assert.Equal(HoldKind.Loan, r.Kind));
                            Assert.Empty(synced.Except(store.Attachments.Select(r => r.Key.ContainerId)));
                            break;
                        case 1:
                            store.Dispose();
                            store = Open(disk, time, $"boot-{boot}");
                            break;
                        case 2:
                            store.SyncAsync().GetAwaiter().GetResult();
                            synced = [.. store.Attachments.Where(r => r.Kind == HoldKind.Loan).Select(r => r.Key.ContainerId)];
                            break;
                        case < 5:
                            store.Release(Key($"c{container}"));
                            synced.Remove($"c{container}");
                            break;
                        default:
                            TryAdd(store, container);
                            break;
                    }
                    var held = store.Attachments.Select(r => r.Attachment.Addresses[0]).ToList();
                    Assert.Equal(held.Count, held.Distinct().Count());
                    Assert.DoesNotContain(store.Resting(), r => held.Contains(r.Address));
                }
            }
            finally
            {
                store.Dispose();
            }
        }, iter: 500);
    }

    private static void TryAdd(AddressStore store, int container)
    {
        try
        {
            store.Allocate(Request($"c{container}", container % 2 == 0 ? HoldKind.Loan : HoldKind.Attachment));
        }
        catch (CniException e)
        {
            Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        }
    }
}
