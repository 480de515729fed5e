using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Weft.Kernel.Libc;

namespace Weft.Kernel.Processes;

/// <summary>A pseudo-terminal (pty(7)): what a program with a terminal reads and writes at <see cref="Path"/> is exchanged here.</summary>
public sealed class PseudoTerminal : IDisposable
{
    // asm-generic/ioctls.h, the same on x86-64 and arm64.
    private const nuint TIOCSPTLCK = 0x40045431;
    private const nuint TIOCGPTN = 0x80045430;
    private const nuint TIOCSWINSZ = 0x5414;

    private readonly SafeFileHandle _master;

    private PseudoTerminal(SafeFileHandle master, string path) => (_master, Path) = (master, path);

    /// <summary>The terminal's device, such as /dev/pts/3.</summary>
    public string Path { get; }

    /// <exception cref="KernelException">The kernel has no terminal left, or devpts is not mounted.</exception>
    public static unsafe PseudoTerminal Open()
    {
        SafeFileHandle master;
        try
        {
            master = File.OpenHandle("/dev/ptmx", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KernelException("open /dev/ptmx", e is FileNotFoundException ? Primitives.Errno.ENOENT : Primitives.Errno.EACCES, e.Message);
        }

        int number = 0;
        int unlock = 0;
        if (Native.Ioctl((int)master.DangerousGetHandle(), TIOCGPTN, (byte*)&number) != 0 ||
            Native.Ioctl((int)master.DangerousGetHandle(), TIOCSPTLCK, (byte*)&unlock) != 0)
        {
            var error = KernelException.Last("unlock a pseudo-terminal");
            master.Dispose();
            throw error;
        }

        return new PseudoTerminal(master, $"/dev/pts/{number}");
    }

    /// <summary>Both directions of the terminal. Reading fails with <see cref="IOException"/> (EIO) once no program has it open any more.</summary>
    public Stream OpenStream() => new FileStream(new SafeFileHandle(_master.DangerousGetHandle(), ownsHandle: false), FileAccess.ReadWrite, bufferSize: 0);

    /// <summary>Tells the terminal's programs how large it is (SIGWINCH).</summary>
    public unsafe void Resize(int width, int height)
    {
        Span<byte> size = stackalloc byte[8];
        size.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(size, (ushort)Math.Clamp(height, 0, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16LittleEndian(size[2..], (ushort)Math.Clamp(width, 0, ushort.MaxValue));
        fixed (byte* p = size)
            _ = Native.Ioctl((int)_master.DangerousGetHandle(), TIOCSWINSZ, p);
    }

    public void Dispose() => _master.Dispose();
}
