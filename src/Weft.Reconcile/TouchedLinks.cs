namespace Weft.Reconcile;

/// <summary>Pods' links that attachments have made or deleted since the last pass. Thread-safe.</summary>
public sealed class TouchedLinks
{
    private readonly Lock _lock = new();
    private HashSet<string> _names = new(StringComparer.Ordinal);

    public void Touch(string link)
    {
        lock (_lock)
            _names.Add(link);
    }

    internal IReadOnlySet<string> Take()
    {
        lock (_lock)
        {
            var taken = _names;
            if (taken.Count > 0)
                _names = new HashSet<string>(StringComparer.Ordinal);
            return taken;
        }
    }
}
