using Weft.Kernel;
using Weft.Model;

namespace Weft.Reconcile;

/// <summary>Brings one family of kernel objects in line with the desired state, step by step.</summary>
public interface IReconciler
{
    /// <summary>Does what the step asks of this family, or nothing. Must report failures rather than throw them.</summary>
    void Apply(ApplyStep step, DesiredState desired, ReconcileReport report);

    /// <summary>Makes the next pass read from the kernel whatever this reconciler remembers of it.</summary>
    void Forget()
    {
    }
}

/// <summary>Runs all reconcilers in the order of <see cref="ApplyOrder"/>. Not safe for use by two threads at once.</summary>
public sealed class NodeReconciler(params IReadOnlyList<IReconciler> reconcilers)
{
    /// <summary>Makes the next pass check everything against the kernel: at times, and whenever somebody else may have changed it.</summary>
    public void Forget()
    {
        foreach (var reconciler in reconcilers)
            reconciler.Forget();
    }

    /// <summary>One whole pass. It may be repeated at any time and does nothing when the kernel is as desired.</summary>
    public ReconcileReport Apply(DesiredState desired)
    {
        var report = new ReconcileReport();
        foreach (var step in ApplyOrder.Steps)
        {
            foreach (var reconciler in reconcilers)
            {
                try
                {
                    reconciler.Apply(step, desired, report);
                }
                catch (KernelException e)
                {
                    // A read that failed: nothing of this step can be done, but the others can.
                    report.Fail(step.ToString(), e);
                }
            }
        }
        return report;
    }
}
