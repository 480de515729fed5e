using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>Reads the messages of one datagram. Throws <see cref="NetlinkFormatException"/> for bytes that are none.</summary>
public ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    public ushort Type { get; private set; }

    public NetlinkFlags Flags { get; private set; }

    public uint Sequence { get; private set; }

    public uint PortId { get; private set; }

    /// <summary>The message after its header.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>Moves on to the next message; false at the end.</summary>
    public bool Read()
    {
        if (_rest.IsEmpty)
            return false;
        if (_rest.Length < NetlinkWriter.HeaderLength)
            throw new NetlinkFormatException($"message header of {_rest.Length} bytes, at least {NetlinkWriter.HeaderLength} expected");
        var length = MemoryMarshal.Read<uint>(_rest);
        if (length < NetlinkWriter.HeaderLength || length > (uint)_rest.Length)
            throw new NetlinkFormatException($"nlmsg_len {length} in a datagram with {_rest.Length} bytes left");
        Type = MemoryMarshal.Read<ushort>(_rest[4..]);
        Flags = (NetlinkFlags)MemoryMarshal.Read<ushort>(_rest[6..]);
        Sequence = MemoryMarshal.Read<uint>(_rest[8..]);
        PortId = MemoryMarshal.Read<uint>(_rest[12..]);
        Payload = _rest[NetlinkWriter.HeaderLength..(int)length];
        _rest = _rest[Math.Min(NetlinkWriter.Align((int)length), _rest.Length)..];
        return true;
    }
}
