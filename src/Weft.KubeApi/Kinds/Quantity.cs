using System.Globalization;
using System.Numerics;

namespace Weft.KubeApi.Kinds;

/// <summary>A resource quantity such as 100m, 1.5Gi or 2e3 (k8s.io/apimachinery/pkg/api/resource), exact.</summary>
public readonly record struct Quantity : IComparable<Quantity>
{
    /// <summary>What upstream names in its refusals.</summary>
    public const string Grammar = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$";

    private readonly BigInteger _nanos;

    private Quantity(BigInteger nanos) => _nanos = nanos;

    public int Sign => _nanos.Sign;

    /// <summary>In thousandths, rounded up, as CPU requests count.</summary>
    public long Millis => (long)BigInteger.Min(long.MaxValue, Ceiling(_nanos, 1_000_000));

    /// <summary>In whole units, rounded up.</summary>
    public long Units => (long)BigInteger.Min(long.MaxValue, Ceiling(_nanos, 1_000_000_000));

    /// <summary>Whether the quantity has no fraction; extended resources and pods must.</summary>
    public bool IsWhole => (_nanos % 1_000_000_000).IsZero;

    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    /// <summary>Reads decimal SI, binary SI and exponent forms; finer than a billionth rounds up, as upstream does.</summary>
    public static bool TryParse(string text, out Quantity quantity)
    {
        quantity = default;
        var at = 0;
        var negative = text.StartsWith('-');
        if (negative || text.StartsWith('+'))
            at++;
        var start = at;
        var point = -1;
        for (; at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'); at++)
        {
            if (text[at] != '.')
                continue;
            if (point >= 0)
                return false;
            point = at;
        }
        var digits = text[start..at].Replace(".", "", StringComparison.Ordinal);
        if (digits.Length is 0 or > 100 || !TryScale(text[at..], out var binary, out var exponent))
            return false;
        var scale = 9 + exponent - (point < 0 ? 0 : at - point - 1);
        var value = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) << binary;
        value = scale >= 0 ? value * BigInteger.Pow(10, scale) : Ceiling(value, BigInteger.Pow(10, -scale));
        quantity = new Quantity(negative ? -value : value);
        return true;
    }

    /// <param name="binary">Bits to shift left by.</param>
    /// <param name="exponent">Power of ten.</param>
    private static bool TryScale(string suffix, out int binary, out int exponent)
    {
        (binary, exponent) = suffix switch
        {
            "" => (0, 0),
            "n" => (0, -9),
            "u" => (0, -6),
            "m" => (0, -3),
            "k" => (0, 3),
            "M" => (0, 6),
            "G" => (0, 9),
            "T" => (0, 12),
            "P" => (0, 15),
            "E" => (0, 18),
            "Ki" => (10, 0),
            "Mi" => (20, 0),
            "Gi" => (30, 0),
            "Ti" => (40, 0),
            "Pi" => (50, 0),
            "Ei" => (60, 0),
            _ => (-1, 0),
        };
        return binary >= 0 || suffix[0] is 'e' or 'E' && suffix.Length > 1 && !char.IsWhiteSpace(suffix[^1])
            && int.TryParse(suffix.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
            && Math.Abs(exponent) <= 100 && (binary = 0) == 0;
    }

    private static BigInteger Ceiling(BigInteger value, BigInteger divisor)
    {
        var quotient = BigInteger.DivRem(value, divisor, out var rest);
        return rest.Sign > 0 ? quotient + 1 : quotient;
    }
}
