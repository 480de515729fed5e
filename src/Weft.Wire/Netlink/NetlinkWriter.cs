using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Weft.Wire.Netlink;

/// <summary>
/// Writes netlink messages one after another into a buffer. Numbers are in host order but where a method says otherwise; everything is
/// aligned to four bytes (NLMSG_ALIGNTO, NLA_ALIGNTO). Throws <see cref="NetlinkFormatException"/> when the buffer is full.
/// </summary>
public ref struct NetlinkWriter
{
    internal const int HeaderLength = 16;
    internal const int AttributeHeaderLength = 4;

    private readonly Span<byte> _buffer;
    private int _length;
    private int _message;

    public NetlinkWriter(Span<byte> buffer)
    {
        _buffer = buffer;
        _message = -1;
    }

    /// <summary>Bytes written so far.</summary>
    public readonly int Length => _length;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    /// <summary>Starts a message (struct nlmsghdr); the port id stays 0, which is the kernel's side of the conversation.</summary>
    public void BeginMessage(ushort type, NetlinkFlags flags, uint sequence)
    {
        if (_message >= 0)
            throw new NetlinkFormatException("the message before was not ended");
        var start = _length;
        var header = Reserve(HeaderLength);
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], (ushort)flags);
        MemoryMarshal.Write(header[8..], sequence);
        _message = start;
    }

    /// <summary>Ends the message, filling in its length.</summary>
    public void EndMessage()
    {
        if (_message < 0)
            throw new NetlinkFormatException("there is no message to end");
        MemoryMarshal.Write(_buffer[_message..], _length - _message);
        _message = -1;
    }

    /// <summary>Drops the message that was begun, as if it had never been.</summary>
    public void AbandonMessage()
    {
        if (_message >= 0)
            _length = _message;
        _message = -1;
    }

    /// <summary>Adds zeroed bytes, rounded up to alignment, for the caller to fill in: the fixed header of a family.</summary>
    public Span<byte> Reserve(int size)
    {
        var aligned = Align(size);
        if (aligned > _buffer.Length - _length)
            throw new NetlinkFormatException($"a buffer of {_buffer.Length} bytes is too small: {_length} are used, {aligned} more are needed");
        var span = _buffer.Slice(_length, aligned);
        span.Clear();
        _length += aligned;
        return span[..size];
    }

    /// <summary>Adds an attribute (struct nlattr) for the caller to fill in.</summary>
    public Span<byte> AddAttribute(ushort type, int size)
    {
        if (size > ushort.MaxValue - AttributeHeaderLength)
            throw new NetlinkFormatException($"attribute {type} of {size} bytes is longer than its 16-bit length can say");
        var span = Reserve(AttributeHeaderLength + size);
        MemoryMarshal.Write(span, (ushort)(AttributeHeaderLength + size));
        MemoryMarshal.Write(span[2..], type);
        return span[AttributeHeaderLength..];
    }

    public void Add(ushort type, scoped ReadOnlySpan<byte> value) => value.CopyTo(AddAttribute(type, value.Length));

    public void AddByte(ushort type, byte value) => AddAttribute(type, 1)[0] = value;

    public void AddUInt32(ushort type, uint value) => MemoryMarshal.Write(AddAttribute(type, 4), value);

    public void AddInt32(ushort type, int value) => MemoryMarshal.Write(AddAttribute(type, 4), value);

    /// <summary>In network order, as VXLAN ports and conntrack's tuples are.</summary>
    public void AddUInt16BigEndian(ushort type, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(AddAttribute(type, 2), value);

    /// <summary>A string with its terminating zero byte.</summary>
    public void AddString(ushort type, string value)
    {
        var size = Encoding.UTF8.GetByteCount(value);
        Encoding.UTF8.GetBytes(value, AddAttribute(type, size + 1));
    }

    /// <summary>4 or 16 bytes in network order.</summary>
    public void AddAddress(ushort type, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var size);
        Add(type, bytes[..size]);
    }

    /// <summary>The low 48 bits, most significant byte first.</summary>
    public void AddMac(ushort type, ulong mac)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, mac);
        Add(type, bytes[2..]);
    }

    /// <summary>Starts an attribute that holds attributes; the answer goes to <see cref="EndNested"/>.</summary>
    /// <param name="flag">Set NLA_F_NESTED, which nfnetlink expects and the older parts of rtnetlink do without.</param>
    public int BeginNested(ushort type, bool flag = false)
    {
        var start = _length;
        AddAttribute(flag ? (ushort)(type | AttributeBits.Nested) : type, 0);
        return start;
    }

    public readonly void EndNested(int start)
    {
        var size = _length - start;
        if (size > ushort.MaxValue)
            throw new NetlinkFormatException($"nested attribute of {size} bytes is longer than its 16-bit length can say");
        MemoryMarshal.Write(_buffer[start..], (ushort)size);
    }

    internal static int Align(int size) => (size + 3) & ~3;
}
