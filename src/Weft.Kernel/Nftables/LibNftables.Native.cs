using System.Runtime.InteropServices;

namespace Weft.Kernel.Nftables;

public sealed partial class LibNftables
{
    /// <summary>libnftables(3). Debian 12 ships 1.0.6; the calls below exist since 0.9.</summary>
    private static partial class Nft
    {
        private const string Library = "libnftables.so.1";

        // enum nft_ctx_output_flags, nftables/libnftables.h
        internal const uint OutputStateless = 1 << 2;
        internal const uint OutputJson = 1 << 4;
        internal const uint OutputNumericProtocol = 1 << 7;
        internal const uint OutputNumericPriority = 1 << 8;

        internal const uint MemfdCloseOnExec = 1;

        [LibraryImport(Library, EntryPoint = "nft_ctx_new")]
        internal static partial nint ContextNew(uint flags);

        [LibraryImport(Library, EntryPoint = "nft_ctx_free")]
        internal static partial void ContextFree(nint context);

        [LibraryImport(Library, EntryPoint = "nft_ctx_buffer_output")]
        internal static partial int BufferOutput(nint context);

        [LibraryImport(Library, EntryPoint = "nft_ctx_buffer_error")]
        internal static partial int BufferError(nint context);

        [LibraryImport(Library, EntryPoint = "nft_ctx_get_output_buffer")]
        internal static partial nint GetOutput(nint context);

        [LibraryImport(Library, EntryPoint = "nft_ctx_get_error_buffer")]
        internal static partial nint GetError(nint context);

        [LibraryImport(Library, EntryPoint = "nft_ctx_output_set_flags")]
        internal static partial void SetOutputFlags(nint context, uint flags);

        [LibraryImport(Library, EntryPoint = "nft_run_cmd_from_buffer", StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int RunBuffer(nint context, string commands);

        [LibraryImport(Library, EntryPoint = "nft_run_cmd_from_filename", StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int RunFile(nint context, string path);

        [LibraryImport("libc", EntryPoint = "malloc_trim")]
        internal static partial int MallocTrim(nuint keep);

        [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int MemfdCreate(string name, uint flags);
    }
}
