using Weft.Kernel;
using Weft.Primitives;

namespace Weft.Reconcile;

/// <summary>An object of the kernel that is not as desired, and why.</summary>
/// <param name="Object">Kind and name, such as <c>route 10.244.2.0/24</c>.</param>
/// <param name="Operation">What was tried.</param>
/// <param name="Error">Error number with its meaning and the kernel's own words.</param>
public sealed record ReconcileFailure(string Object, string Operation, string Error, Errno Errno = Errno.None);

/// <summary>What a pass did. Failures are collected, never thrown: the pass goes on with other objects.</summary>
public sealed class ReconcileReport
{
    private readonly List<ReconcileFailure> _failures = [];
    private readonly List<string> _absent = [];

    /// <summary>Changes that were carried out; 0 means that the kernel already was as desired.</summary>
    public int Writes { get; private set; }

    public IReadOnlyList<ReconcileFailure> Failures => _failures;

    /// <summary>
    /// Nodes' ends of pods' links that are wanted but not there: their containers took them along, and DEL or the garbage collection has not come
    /// yet. No failure of the node.
    /// </summary>
    public IReadOnlyList<string> AbsentLinks => _absent;

    /// <summary>When something was put off: a pass is wanted after this time at the latest.</summary>
    public TimeSpan? Continuation { get; private set; }

    public bool Succeeded => _failures.Count == 0;

    public void CountWrites(int count = 1) => Writes += count;

    public void ContinueIn(TimeSpan time) => Continuation = Continuation is { } sooner && sooner < time ? sooner : time;

    public void NoteAbsent(string link) => _absent.Add(link);

    public void Fail(ReconcileFailure failure) => _failures.Add(failure);

    public void Fail(string subject, KernelException e) =>
        Fail(new ReconcileFailure(subject, e.Operation, e.Detail is null ? e.Errno.Describe() : $"{e.Errno.Describe()}: {e.Detail}", e.Errno));
}
