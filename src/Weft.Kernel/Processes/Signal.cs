namespace Weft.Kernel.Processes;

/// <summary>Signal numbers of Linux on x86-64 and arm64 (signal(7)).</summary>
public enum Signal
{
    Hup = 1,
    Int = 2,
    Quit = 3,
    Kill = 9,
    Term = 15,
    Stop = 19,
    Cont = 18,
}
