namespace Weft.Agent.Ipam;

/// <summary>On whose behalf addresses are held.</summary>
public enum HoldKind
{
    /// <summary>A container's interface that weft-cni made.</summary>
    Attachment,

    /// <summary>Another plugin's container, through weft-ipam: Weft makes no interface, no route and no rule for it.</summary>
    Delegated,

    /// <summary>Another node, which ran out of addresses of its own.</summary>
    Loan,
}
