using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Weft.Primitives;

/// <summary>An IPv4 or IPv6 prefix in canonical form: host bits are zero (RFC 4632 section 3.1, RFC 4291 section 2.3).</summary>
public readonly struct IpPrefix : IEquatable<IpPrefix>, IComparable<IpPrefix>
{
    private readonly UInt128 _bits;
    private readonly byte _length;
    private readonly bool _v6;

    private IpPrefix(UInt128 bits, int length, bool v6) => (_bits, _length, _v6) = (bits & Mask(length, v6), (byte)length, v6);

    /// <summary>The prefix of <paramref name="length"/> bits that holds <paramref name="address"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length does not fit the address family.</exception>
    public IpPrefix(IPAddress address, int length)
        : this(ToBits(address), CheckLength(length, address), address.AddressFamily == AddressFamily.InterNetworkV6)
    {
    }

    public static IpPrefix Host(IPAddress address) => new(address, MaxLength(address));

    public static IpPrefix AllIPv4 => new(0, 0, false);

    public static IpPrefix AllIPv6 => new(0, 0, true);

    public int Length => _length;

    public bool IsIPv6 => _v6;

    public AddressFamily Family => _v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    public int AddressBits => _v6 ? 128 : 32;

    public bool IsHost => _length == AddressBits;

    /// <summary>The lowest address, which is the prefix itself.</summary>
    public IPAddress First => ToAddress(_bits, _v6);

    public IPAddress Last => ToAddress(_bits | ~Mask(_length, _v6) & FamilyMask(_v6), _v6);

    /// <summary>How many addresses the prefix covers; <see cref="UInt128.MaxValue"/> stands for 2^128.</summary>
    public UInt128 Size => AddressBits - _length == 128 ? UInt128.MaxValue : UInt128.One << (AddressBits - _length);

    public bool Contains(IPAddress address) =>
        (address.AddressFamily == AddressFamily.InterNetworkV6) == _v6 && (ToBits(address) & Mask(_length, _v6)) == _bits;

    public bool Contains(IpPrefix other) => other._v6 == _v6 && other._length >= _length && (other._bits & Mask(_length, _v6)) == _bits;

    public bool Overlaps(IpPrefix other) => Contains(other) || other.Contains(this);

    /// <summary>The address at an offset from <see cref="First"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The offset is outside the prefix.</exception>
    public IPAddress AddressAt(UInt128 offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Size);
        return ToAddress(_bits + offset, _v6);
    }

    /// <summary>How far an address lies from <see cref="First"/>. The address must be inside the prefix.</summary>
    public UInt128 OffsetOf(IPAddress address) => ToBits(address) - _bits;

    /// <summary>The n-th subnet of the given length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is shorter than this prefix, or there is no n-th subnet.</exception>
    public IpPrefix Subnet(int length, UInt128 index)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, _length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, AddressBits);
        if (length - _length < 128)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, UInt128.One << (length - _length));
        return new IpPrefix(_bits + (AddressBits - length == 128 ? 0 : index << (AddressBits - length)), length, _v6);
    }

    /// <summary>Reads <c>address/length</c>; a bare address is a host prefix. Host bits that are set are refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpPrefix prefix) => TryParse(text, strict: true, out prefix);

    /// <summary>Reads <c>address/length</c>, clearing host bits when <paramref name="strict"/> is false.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, bool strict, out IpPrefix prefix)
    {
        prefix = default;
        if (text is null)
            return false;
        var slash = text.IndexOf('/');
        var addressText = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(addressText, out var address) || address.AddressFamily == AddressFamily.InterNetwork && addressText.Count(c => c == '.') != 3)
            return false;
        if (addressText.Contains('%') || addressText.Contains('['))
            return false;
        var length = MaxLength(address);
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > MaxLength(address)))
            return false;
        prefix = new IpPrefix(address, length);
        return !strict || prefix.First.Equals(address);
    }

    /// <exception cref="FormatException">The text is not a canonical prefix; the message says what is wrong.</exception>
    public static IpPrefix Parse(string text) =>
        TryParse(text, out var prefix)
            ? prefix
            : throw new FormatException(TryParse(text, strict: false, out var loose)
                ? $"'{text}' has host bits set; write {loose}"
                : $"'{text}' is not an address prefix such as 10.244.0.0/16 or fd00::/64");

    public static UInt128 ToBits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public static IPAddress ToAddress(UInt128 bits, bool v6)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (v6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
            return new IPAddress(bytes);
        }
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)bits);
        return new IPAddress(bytes[..4]);
    }

    public bool Equals(IpPrefix other) => _bits == other._bits && _length == other._length && _v6 == other._v6;

    public override bool Equals(object? obj) => obj is IpPrefix other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_bits, _length, _v6);

    /// <summary>IPv4 before IPv6, then by address, then shorter before longer.</summary>
    public int CompareTo(IpPrefix other) => (_v6, _bits, _length).CompareTo((other._v6, other._bits, other._length));

    public override string ToString() => $"{First}/{_length}";

    public static bool operator ==(IpPrefix left, IpPrefix right) => left.Equals(right);

    public static bool operator !=(IpPrefix left, IpPrefix right) => !left.Equals(right);

    private static int MaxLength(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;

    private static int CheckLength(int length, IPAddress address)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength(address));
        return length;
    }

    private static UInt128 FamilyMask(bool v6) => v6 ? UInt128.MaxValue : uint.MaxValue;

    private static UInt128 Mask(int length, bool v6)
    {
        var host = (v6 ? 128 : 32) - length;
        return host == 128 ? 0 : (UInt128.MaxValue << host) & FamilyMask(v6);
    }
}
