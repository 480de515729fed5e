namespace Weft.Lab.Daemon;

/// <summary>A lab command cannot go on; the message is one plain sentence for the user.</summary>
public sealed class LabException(string message, Exception? inner = null) : Exception(message, inner);
