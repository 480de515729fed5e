using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Weft.Agent.Cni;
using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Agent.Tests.Cni;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Tests.Garbage;

public sealed class GarbageCollectorTests : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);
    private static readonly ObjectKey Pod = new("default", "web");

    private readonly TemporaryDirectory _directory = new();
    private readonly FakePodNetwork _network = new();
    private readonly FakeSandboxes _runtime = new();
    private readonly Clock _clock = new();
    private readonly AddressStore _store;
    private readonly CniOperations _operations;
    private readonly GarbageCollector _collector;
    private ClusterSnapshot _api = ClusterSnapshot.Empty;

    public GarbageCollectorTests()
    {
        _store = AddressStore.Open(_directory.Path, _clock);
        _store.SetCidrs("n1", [IpPrefix.Parse("10.244.1.0/24")]);
        _operations = new CniOperations(_store, new FakeAttachments(), _network, new CniServerOptions("/unused", () => 1450, () => null, _ => { }));
        _collector = new GarbageCollector(
            _store, _operations, new GarbageJudge("n1", _network, () => _api), _runtime, Grace, _clock, NullLogger.Instance);
    }

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    private AttachmentRecord Hold(string container = "c1", ObjectKey? pod = null, HoldKind kind = HoldKind.Attachment, bool link = true)
    {
        var record = _store.Allocate(new AttachmentRequest(new AttachmentKey("weft", container, "eth0"), "/run/netns/" + container, 1450) { Pod = pod, PodUid = pod is null ? null : "u1", Kind = kind });
        _network.Namespaces.Add("/run/netns/" + container);
        if (link && kind == HoldKind.Attachment)
            _network.Create(record.Attachment, 1450);
        return record;
    }

    private void Show(string uid = "u1", string node = "n1", bool ended = false) => _api = _api with
    {
        Workloads = _api.Workloads.SetItem(Pod, new Workload(Pod, uid, node, Labels.Empty, [], false, []) { Ended = ended }),
    };

    /// <summary>Sweeps as the loop does, for some time.</summary>
    private async Task LetPassAsync(TimeSpan time)
    {
        await _collector.SweepAsync(CancellationToken.None);
        for (var step = TimeSpan.FromSeconds(30); time > TimeSpan.Zero; time -= step)
        {
            _clock.Now += step;
            await _collector.SweepAsync(CancellationToken.None);
        }
    }

    private long Collected(string reason) => _collector.Collected.Single(c => c.Reason == reason).Count;

    [Fact]
    public async Task An_address_whose_interface_is_gone_is_freed_after_the_grace_period()
    {
        var record = Hold();
        _network.RemoveNamespace(record.Attachment.NetworkNamespace);
        await LetPassAsync(Grace - TimeSpan.FromSeconds(30));
        Assert.NotNull(_store.Find(record.Key));
        await LetPassAsync(TimeSpan.FromSeconds(60));
        Assert.Null(_store.Find(record.Key));
        Assert.Equal(1, Collected(GarbageJudge.InterfaceGone));
        // Nobody had to be asked.
        Assert.Equal(0, _runtime.Calls);
    }

    [Fact]
    public async Task A_host_end_that_was_renamed_is_not_gone()
    {
        var record = Hold(link: false);
        _network.Foreign.Add((record.Attachment.NetworkNamespace, "eth0"));
        await LetPassAsync(Grace * 2);
        Assert.NotNull(_store.Find(record.Key));
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("replaced")]
    [InlineData("elsewhere")]
    [InlineData("ended")]
    public async Task A_pod_that_the_API_lost_and_a_sandbox_that_the_runtime_lost_are_freed_interface_first(string how)
    {
        var record = Hold(pod: Pod);
        if (how != "absent")
            Show(how == "replaced" ? "u2" : "u1", how == "elsewhere" ? "n2" : "n1", how == "ended");
        await LetPassAsync(Grace + TimeSpan.FromSeconds(30));
        Assert.Null(_store.Find(record.Key));
        Assert.Empty(_network.Links);
        Assert.Equal(1, Collected(GarbageJudge.SandboxGone));
    }

    [Fact]
    public async Task Without_the_runtimes_word_nothing_is_freed_and_it_is_told()
    {
        var record = Hold(pod: Pod);
        _runtime.Silent = true;
        await LetPassAsync(Grace * 10);
        Assert.NotNull(_store.Find(record.Key));
        var suspect = Assert.Single(_collector.Suspects);
        Assert.Equal((record, GarbageJudge.RuntimeSilent), (suspect.Record, suspect.Reason));
        // It speaks again, and its word has to last as well.
        _runtime.Silent = false;
        await LetPassAsync(Grace - TimeSpan.FromSeconds(30));
        Assert.NotNull(_store.Find(record.Key));
        await LetPassAsync(TimeSpan.FromSeconds(60));
        Assert.Null(_store.Find(record.Key));
        Assert.Empty(_collector.Suspects);
    }

    [Fact]
    public async Task A_sandbox_that_the_runtime_has_is_live_whatever_the_API_says()
    {
        var record = Hold(pod: Pod);
        _runtime.Ids.Add("c1");
        await LetPassAsync(Grace * 10);
        Assert.NotNull(_store.Find(record.Key));
        Assert.Equal(GarbageJudge.SandboxExists, Assert.Single(_collector.Suspects).Reason);
    }

    [Fact]
    public async Task A_container_without_a_pod_is_not_judged_by_a_runtime_that_may_not_be_its_own()
    {
        var (own, delegated) = (Hold("podman"), Hold("ipam", kind: HoldKind.Delegated));
        await LetPassAsync(Grace * 10);
        Assert.NotNull(_store.Find(own.Key));
        Assert.NotNull(_store.Find(delegated.Key));
        Assert.Empty(_collector.Suspects);
    }

    [Fact]
    public async Task What_another_plugin_holds_goes_by_the_runtimes_word_alone()
    {
        var record = Hold("other", Pod, HoldKind.Delegated);
        Show();
        _runtime.Ids.Add("other");
        await LetPassAsync(Grace * 2);
        Assert.NotNull(_store.Find(record.Key));
        _runtime.Ids.Clear();
        await LetPassAsync(Grace + TimeSpan.FromSeconds(30));
        Assert.Null(_store.Find(record.Key));
    }

    [Fact]
    public async Task A_sandbox_that_appears_between_the_look_and_the_lock_is_spared()
    {
        var record = Hold(pod: Pod);
        await LetPassAsync(Grace - TimeSpan.FromSeconds(30));
        // The sweep's list does not have it, the one under the lock does.
        _runtime.AppearAfter = _runtime.Calls + 1;
        _runtime.Late = "c1";
        _clock.Now += TimeSpan.FromSeconds(60);
        await _collector.SweepAsync(CancellationToken.None);
        Assert.NotNull(_store.Find(record.Key));
        Assert.Equal(0, Collected(GarbageJudge.SandboxGone));
    }

    [Fact]
    public async Task A_kernel_that_refuses_once_keeps_the_address_held_until_it_does_not()
    {
        var (first, second) = (Hold("c1", Pod), Hold("c2", Pod));
        _network.FailDelete = "device or resource busy";
        await LetPassAsync(Grace + TimeSpan.FromSeconds(30));
        Assert.NotNull(_store.Find(first.Key));
        Assert.NotNull(_store.Find(second.Key));
        _network.FailDelete = null;
        await LetPassAsync(TimeSpan.FromSeconds(30));
        Assert.Empty(_store.Attachments);
        Assert.Equal(2, Collected(GarbageJudge.SandboxGone));
    }

    [Fact]
    public async Task Whatever_happens_an_address_is_freed_only_when_it_is_proved_dead() =>
        await Gen.Int[0, 8].List[1, 60].SampleAsync(async steps =>
        {
            using var test = new GarbageCollectorTests();
            await test.RunAsync(steps);
        }, iter: 150);

    // A random life of one pod on a node. A sandbox that the runtime has, and whose interface is there, is live; all else may lie or be silent.
    private async Task RunAsync(List<int> steps)
    {
        var record = Hold(pod: Pod);
        _runtime.Ids.Add("c1");
        Show();
        foreach (var step in steps)
        {
            switch (step)
            {
                case 0: _api = ClusterSnapshot.Empty; break;
                case 1: Show("u2"); break;
                case 2: Show(); break;
                case 3: _runtime.Silent = !_runtime.Silent; break;
                case 4: Show(ended: true); break;
                case 5: _runtime.FailOnce = true; break;
                default: await LetPassAsync(TimeSpan.FromMinutes(step - 4)); break;
            }
            Assert.NotNull(_store.Find(record.Key));
        }
        _runtime.Silent = false;
        _runtime.FailOnce = false;
        _api = ClusterSnapshot.Empty;
        _runtime.Ids.Clear();
        await LetPassAsync(Grace * 2);
        Assert.Null(_store.Find(record.Key));
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class FakeSandboxes : ISandboxes
    {
        public HashSet<string> Ids { get; } = [];

        public bool Silent { get; set; }

        public bool FailOnce { get; set; }

        public int AppearAfter { get; set; } = int.MaxValue;

        public string? Late { get; set; }

        public int Calls { get; private set; }

        public Task<IReadOnlySet<string>?> ListAsync(CancellationToken cancel)
        {
            if (++Calls > AppearAfter && Late is not null)
                Ids.Add(Late);
            var silent = Silent || FailOnce;
            FailOnce = false;
            return Task.FromResult<IReadOnlySet<string>?>(silent ? null : new HashSet<string>(Ids));
        }
    }
}
