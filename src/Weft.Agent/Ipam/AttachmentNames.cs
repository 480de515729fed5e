using System.Globalization;
using System.Text;
using Weft.Kernel.Routing;
using Weft.Model.Ipam;
using Weft.Model.Routing;

namespace Weft.Agent.Ipam;

/// <summary>Names of an attachment's kernel objects, made from its key so that they are the same after a restart.</summary>
internal static class AttachmentNames
{
    private const int HashDigits = 11;

    /// <summary>Whether a link's name is of the form of a host end's.</summary>
    public static bool IsHostInterface(string name) => name.Length == WeftRouting.LinkPrefix.Length + HashDigits
        && name.StartsWith(WeftRouting.LinkPrefix, StringComparison.Ordinal) && name.Skip(WeftRouting.LinkPrefix.Length).All(char.IsAsciiHexDigitLower);

    /// <summary>
    /// The host end's name has to fit 15 bytes, so it is a hash; another attachment that happens to have it, one in 2^44, makes the next one be
    /// tried.
    /// </summary>
    public static (string Host, MacAddress Mac) Of(AttachmentKey key, Func<string, bool> taken)
    {
        for (var salt = 0; ; salt++)
        {
            var hash = StableHash.Of(Encoding.UTF8.GetBytes($"{key.Network}/{key.ContainerId}/{key.InterfaceName}/{salt}"));
            hash ^= hash >> 29;
            var host = WeftRouting.LinkPrefix + (hash & 0xfff_ffff_ffff).ToString("x11", CultureInfo.InvariantCulture);
            if (!taken(host))
                // Unicast and locally administered (IEEE 802, U/L bit).
                return (host, new MacAddress(0x02_00_00_00_00_00UL | (hash * 0x9E3779B97F4A7C15UL) >> 24));
        }
    }
}
