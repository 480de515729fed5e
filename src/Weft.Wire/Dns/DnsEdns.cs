namespace Weft.Wire.Dns;

/// <summary>What an OPT record says (RFC 6891 section 6.1): it borrows class and TTL for fields of its own.</summary>
/// <param name="PayloadSize">Bytes of UDP payload that the sender can take.</param>
/// <param name="DnssecOk">RFC 3225.</param>
public readonly record struct DnsEdns(int PayloadSize, int ExtendedCode, int Version, bool DnssecOk)
{
    public static DnsEdns From(DnsRecordView record) =>
        new(record.Class, (int)(record.Ttl >> 24), (int)(record.Ttl >> 16) & 255, (record.Ttl & 0x8000) != 0);
}
