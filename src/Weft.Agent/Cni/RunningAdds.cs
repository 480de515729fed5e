using Weft.Model.Ipam;

namespace Weft.Agent.Cni;

/// <summary>The attachments for which an ADD runs, from before its address is held until it is over. Thread-safe.</summary>
internal sealed class RunningAdds
{
    private readonly Dictionary<AttachmentKey, int> _running = [];

    public IDisposable Begin(AttachmentKey key)
    {
        lock (_running)
            _running[key] = _running.GetValueOrDefault(key) + 1;
        return new Entry(this, key);
    }

    public IReadOnlyList<AttachmentKey> Current()
    {
        lock (_running)
            return [.. _running.Keys];
    }

    private sealed class Entry(RunningAdds owner, AttachmentKey key) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._running)
                if (--owner._running[key] == 0)
                    owner._running.Remove(key);
        }
    }
}
