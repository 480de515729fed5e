using CsCheck;
using Weft.Wire.Cri;

namespace Weft.Wire.Tests.Cri;

/// <summary>runtime.v1 ListPodSandboxResponse within a gRPC frame.</summary>
public class SandboxListTests
{
    private static byte[] Frame(params byte[] message) => [0, 0, 0, 0, (byte)message.Length, .. message];

    // Each field of PodSandbox that a runtime sends, in an order of its own choice: metadata (2), state (3), created_at (4), id (1).
    private static readonly byte[] Two = Frame(
    [
        0x0a, 0x11, 0x12, 0x03, 0x0a, 0x01, (byte)'p', 0x18, 0x01, 0x20, 0x80, 0x80, 0x01, 0x0a, 0x04, (byte)'a', (byte)'b', (byte)'c', (byte)'1',
        0x0a, 0x03, 0x0a, 0x01, (byte)'z',
    ]);

    [Fact]
    public void Reads_the_ids_and_skips_the_rest() => Assert.Equal(["abc1", "z"], SandboxList.ReadIds(Two).Order(StringComparer.Ordinal));

    [Fact]
    public void No_sandbox_is_an_empty_message() => Assert.Empty(SandboxList.ReadIds(Frame()));

    [Fact]
    public void Whatever_is_cut_off_is_no_answer()
    {
        // An empty list means that every pod is lost: half an answer must never be read as one.
        for (var length = 0; length < Two.Length; length++)
            Assert.Throws<FormatException>(() => SandboxList.ReadIds(Two.AsSpan(0, length)));
    }

    [Fact]
    public void A_compressed_answer_is_refused() => Assert.Throws<FormatException>(() => SandboxList.ReadIds([1, 0, 0, 0, 0]));

    [Fact]
    public void A_sandbox_without_an_id_is_refused() => Assert.Throws<FormatException>(() => SandboxList.ReadIds(Frame(0x0a, 0x02, 0x18, 0x01)));

    [Fact]
    public void Any_bytes_are_read_or_refused() => Gen.Byte.Array[0, 60].Sample(bytes =>
    {
        try
        {
            SandboxList.ReadIds(Frame(bytes));
        }
        catch (FormatException)
        {
            // The only way to refuse.
        }
    });
}
