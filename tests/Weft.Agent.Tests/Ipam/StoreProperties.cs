using System.Net;
using CsCheck;
using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Ipam;

/// <summary>
/// Random histories of the store beside a model of what it must do: no address is had twice, none that is reserved is given, none is given unasked while
/// it rests, and none is lost, so that an ADD fails only when every address that it could have is held or rests.
/// </summary>
public sealed class StoreProperties
{
    private const string JournalName = "attachments.journal";
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    // The node's own prefixes and blocks, growing, shrinking, splitting, moving to another pool and changing what they reserve.
    private static readonly NodeRange[][] Layouts =
    [
        [Range("10.0.0.0/29")],
        [Range("10.0.0.0/29", "", "10.0.0.2/31")],
        [Range("10.0.0.0/30"), Range("10.0.0.4/30", "web")],
        [Range("10.0.0.0/28"), Range("10.0.1.0/30", "web")],
        [Range("10.0.1.0/30", "web"), Range("10.0.0.8/29")],
        [Range("10.0.0.0/29", "web", "10.0.0.1"), Range("10.0.1.0/29")],
        [],
    ];

    private sealed record Step(int Action, int Container, int Choice, int Seed);

    private static NodeRange Range(string cidr, string pool = "", params string[] reserved) =>
        new(IpPrefix.Parse(cidr), pool, reserved.Select(IpPrefix.Parse).ToEquatableArray());

    [Fact]
    public void Never_twice_never_reserved_never_lost_never_while_resting() =>
        Gen.Select(Gen.Int[0, 19], Gen.Int[0, 7], Gen.Int[0, 6], Gen.Int[0, 1000], (a, c, l, s) => new Step(a, c, l, s)).Array[1, 60].Sample(
            steps =>
            {
                using var run = new Run();
                foreach (var step in steps)
                    run.Do(step);
                run.End();
            }, iter: 1000);

    private sealed class Run : IDisposable
    {
        private readonly FakeJournalDisk _disk = new();
        private readonly FakeTime _time = new();
        private readonly Dictionary<AttachmentKey, IPAddress> _held = [];
        private readonly Dictionary<IPAddress, DateTimeOffset> _released = [];
        private NodeRange[] _layout = Layouts[0];
        private AddressStore _store;

        public Run() => _store = Open();

        public void Dispose() => _store.Dispose();

        public void Do(Step step)
        {
            var key = new AttachmentKey("weft", $"c{step.Container}", "eth0");
            var pool = step.Seed % 3 == 0 ? "web" : "";
            switch (step.Action)
            {
                case 0:
                    Restart();
                    break;
                case 1:
                    Restart(torn: Torn(key, step.Seed));
                    break;
                case 2 or 3:
                    _store.SetRanges("n1", _layout = Layouts[step.Choice]);
                    break;
                case 4:
                    RewriteJournal();
                    break;
                case 5 or 6:
                    _time.Advance(TimeSpan.FromSeconds(step.Choice));
                    break;
                case < 11:
                    Release(key);
                    break;
                case < 13:
                    Allocate(key, pool, IPAddress.Parse($"10.0.{step.Seed % 2}.{step.Seed % 17}"));
                    break;
                default:
                    Allocate(key, pool, null);
                    break;
            }
            Agrees();
        }

        // Nothing was lost for good: when all is released and rested, every address of the ranges is given.
        public void End()
        {
            foreach (var key in _held.Keys.ToList())
                Release(key);
            Restart();
            _store.SetRanges("n1", _layout = Layouts[3]);
            _time.Advance(Rest);
            for (var i = 0; i < 14; i++)
                Allocate(new AttachmentKey("weft", $"end{i}", "eth0"), "", null);
            Assert.Equal(14, _held.Count);
            Agrees();
        }

        private AddressStore Open()
        {
            var store = new AddressStore(_disk, null, _time, new AddressStoreOptions { Boot = "boot", Rest = Rest });
            store.SetRanges("n1", _layout);
            return store;
        }

        // As it is after a flush that failed; without a change there is none.
        private void RewriteJournal()
        {
            _disk.FailFlushes = 1;
            try
            {
                _store.SyncAsync().GetAwaiter().GetResult();
            }
            catch (CniException e)
            {
                Assert.Equal(CniErrorCode.IoFailure, e.Code);
            }
            _disk.FailFlushes = 0;
            _store.SyncAsync().GetAwaiter().GetResult();
        }

        // SIGKILL: what the process had not handed to the kernel is gone, perhaps in the middle of a line.
        private void Restart(byte[]? torn = null)
        {
            _store.Dispose();
            if (torn is not null)
            {
                using var file = _disk.Open(JournalName, empty: false);
                file.Write(torn, _disk.Read(JournalName)!.Length);
            }
            _store = Open();
        }

        private byte[] Torn(AttachmentKey key, int seed)
        {
            var line = _store.Find(key) is { } record
                ? (seed % 2 == 0 ? JournalEntry.Del(key, _time.GetUtcNow()) : JournalEntry.Add(record with { Mtu = 9000 })).ToLine()
                : JournalEntry.Rest([(IPAddress.Parse("10.0.0.1"), _time.GetUtcNow())]).ToLine();
            return line[..(seed % line.Length)];
        }

        private void Release(AttachmentKey key)
        {
            Assert.Equal(_held.Remove(key, out var address), _store.Release(key));
            if (address is not null)
                _released[address] = _time.GetUtcNow();
        }

        private void Allocate(AttachmentKey key, string pool, IPAddress? asked)
        {
            var request = new AttachmentRequest(key, "/run/netns/x", 1450) { Addresses = asked is null ? [] : [asked] };
            IPAddress given;
            try
            {
                given = Assert.Single(_store.Allocate(request, [new FamilyChoice(false, [pool])], []).Attachment.Addresses);
            }
            catch (CniException e)
            {
                Assert.False(_held.ContainsKey(key));
                if (asked is null)
                    Assert.DoesNotContain(Addresses(pool), a => !_held.ContainsValue(a) && !Rests(a));
                else
                    Assert.Equal(_held.ContainsValue(asked) ? CniErrorCode.TryAgainLater : CniErrorCode.InvalidConfiguration, e.Code);
                Assert.True(asked is null || _held.ContainsValue(asked) || !_layout.SelectMany(Givable).Contains(asked), $"{asked} was refused: {e.Message}");
                return;
            }
            if (_held.TryGetValue(key, out var before))
            {
                Assert.Equal(before, given);
                return;
            }
            Assert.DoesNotContain(given, _held.Values);
            Assert.Contains(given, asked is null ? Addresses(pool) : _layout.SelectMany(Givable));
            if (asked is null)
                Assert.False(Rests(given), $"{given} was given while it rests");
            else
                Assert.Equal(asked, given);
            _held.Add(key, given);
        }

        private bool Rests(IPAddress address) => _released.TryGetValue(address, out var when) && _time.GetUtcNow() < when + Rest;

        private IEnumerable<IPAddress> Addresses(string pool) => _layout.Where(r => r.Pool == pool).SelectMany(Givable);

        private static IEnumerable<IPAddress> Givable(NodeRange range) => Enumerable.Range(1, (int)range.Cidr.Size - 2)
            .Select(i => range.Cidr.AddressAt((UInt128)i)).Where(a => !range.Reserved.Any(r => r.Contains(a)));

        private void Agrees()
        {
            Assert.Equal(
                _held.Select(h => $"{h.Key.ContainerId} {h.Value}").Order(),
                _store.Attachments.Select(r => $"{r.Key.ContainerId} {string.Join(",", r.Attachment.Addresses)}").Order());
            Assert.All(_held, h => Assert.Equal(h.Key, _store.HolderOf(h.Value)!.Key));
            Assert.Equal(
                _released.Keys.Where(a => Rests(a) && !_held.ContainsValue(a)).Select(a => a.ToString()).Order(), _store.Resting().Select(r => r.Address.ToString()).Order());
        }
    }
}
