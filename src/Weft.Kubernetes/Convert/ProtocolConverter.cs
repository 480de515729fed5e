using Weft.Model;

namespace Weft.Kubernetes.Convert;

internal static class ProtocolConverter
{
    /// <summary>An absent protocol is TCP, as the API defaults it.</summary>
    /// <exception cref="ConversionException">The protocol is none of TCP, UDP, SCTP.</exception>
    public static Protocol Convert(string? protocol, string field) => protocol switch
    {
        null or "" or "TCP" => Protocol.Tcp,
        "UDP" => Protocol.Udp,
        "SCTP" => Protocol.Sctp,
        _ => throw new ConversionException(field, $"'{protocol}' is not one of TCP, UDP, SCTP"),
    };

    public static Protocol? TryConvert(string? protocol) => protocol switch
    {
        null or "" or "TCP" => Protocol.Tcp,
        "UDP" => Protocol.Udp,
        "SCTP" => Protocol.Sctp,
        _ => null,
    };
}
