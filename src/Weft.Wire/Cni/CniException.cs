namespace Weft.Wire.Cni;

/// <summary>Error codes: SPEC.md 1.1.0 section 5, "Error"; 100 and above are the plugin's own.</summary>
public static class CniErrorCode
{
    public const int IncompatibleVersion = 1;
    public const int UnsupportedField = 2;
    public const int UnknownContainer = 3;
    public const int InvalidEnvironment = 4;
    public const int IoFailure = 5;
    public const int DecodingFailure = 6;
    public const int InvalidConfiguration = 7;
    public const int TryAgainLater = 11;

    /// <summary>STATUS: the plugin cannot serve ADD.</summary>
    public const int NotAvailable = 50;

    /// <summary>STATUS: the plugin cannot serve ADD, and the network of existing containers may suffer.</summary>
    public const int NotAvailableLimitedConnectivity = 51;

    /// <summary>The kernel refused what ADD, DEL or CHECK needs.</summary>
    public const int KernelFailure = 100;

    /// <summary>CHECK: the container's network is not as ADD left it.</summary>
    public const int CheckFailed = 101;

    /// <summary>A defect: an error that the agent did not foresee.</summary>
    public const int Internal = 999;
}

/// <summary>A failure as CNI reports it: a code, a sentence that names the field and the value found, and what to do about it.</summary>
public sealed class CniException(int code, string message, string? details = null, Exception? inner = null) : Exception(message, inner)
{
    public int Code { get; } = code;

    public string? Details { get; } = details;
}
