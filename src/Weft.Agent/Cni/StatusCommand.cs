using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>STATUS (SPEC.md 1.1.0 section 2): whether ADD can be served, and whether the containers that are there can be reached.</summary>
internal sealed class StatusCommand(CniContext context)
{
    /// <exception cref="CniException">Code 51: the datapath is broken for containers that exist. Code 50: only ADD cannot be served.</exception>
    public void Run()
    {
        if (context.Attachments.Problem is { } broken)
            throw new CniException(
                CniErrorCode.NotAvailableLimitedConnectivity, $"the datapath of this node is not in force: {broken}",
                "Containers may be unreachable, or policy out of date. weft show drift, on this node, tells what the kernel refused.");
        RequireAddresses(null);
    }

    /// <summary>The part that weft-ipam answers for.</summary>
    /// <param name="pool"><c>ipam.pool</c> of the configuration.</param>
    public void RequireAddresses(string? pool)
    {
        if (context.Options.NotReady() is { } reason)
            throw new CniException(CniErrorCode.NotAvailable, $"weft-agent cannot serve ADD: {reason}");
        try
        {
            context.Source.RequireRoom(pool);
        }
        catch (CniException e)
        {
            throw new CniException(CniErrorCode.NotAvailable, $"weft-agent cannot serve ADD: {e.Message}", e.Details, e);
        }
    }
}
