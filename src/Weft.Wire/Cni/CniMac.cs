using System.Globalization;

namespace Weft.Wire.Cni;

/// <summary>Hardware addresses as configurations and results write them.</summary>
public static class CniMac
{
    /// <summary>Six bytes in hexadecimal with colons or hyphens. False when the text is not a hardware address that one device can have.</summary>
    public static bool TryParse(string text, out ulong mac)
    {
        const int length = 17;
        mac = 0;
        if (text.Length != length || text[2] is not (':' or '-'))
            return false;
        for (var i = 0; i < length; i += 3)
        {
            if (i > 0 && text[i - 1] != text[2])
                return false;
            if (!byte.TryParse(text.AsSpan(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
                return false;
            mac = mac << 8 | b;
        }
        // IEEE 802: the lowest bit of the first byte marks a group; the kernel refuses such an address, and one of zeros (is_valid_ether_addr).
        return mac != 0 && (mac >> 40 & 1) == 0;
    }
}
