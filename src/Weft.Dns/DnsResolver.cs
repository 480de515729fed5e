using System.Net;
using System.Net.Sockets;
using Weft.Model.Dns;
using Weft.Wire.Dns;

namespace Weft.Dns;

/// <summary>
/// The cluster's DNS server without sockets, clock or state: a query and a zone in, a response or a question for the upstream servers out
/// (Kubernetes DNS specification 1.1.0; RFC 1034, 1035, 2308, 6891). Answers from the zone allocate nothing.
/// </summary>
public static class DnsResolver
{
    /// <summary>Aliases that are followed within the zone, one to the next, before giving up.</summary>
    private const int MaxAliases = 8;

    /// <summary>Answers a query.</summary>
    /// <param name="response">Room for <see cref="DnsLimits.UnfragmentedUdp"/> bytes, or <see cref="DnsLimits.Tcp"/> over TCP.</param>
    /// <param name="rotation">Any number: which of several records comes first. Clients tend to use the first.</param>
    /// <param name="canForward">False when there is no upstream server: then foreign names are refused.</param>
    /// <param name="aliases">Names that only some clients have.</param>
    /// <param name="client">Who asks; null when there are no aliases.</param>
    public static DnsOutcome Answer(
        ReadOnlySpan<byte> query, ZoneIndex zone, Span<byte> response, bool tcp, uint rotation, bool canForward = true, AliasIndex? aliases = null, IPAddress? client = null)
    {
        if (query.Length < DnsLimits.Header)
            return new DnsOutcome(DnsVerdict.Drop);
        var header = DnsHeader.Read(query);
        // An answer to an answer could go on for ever between two servers.
        if (header.IsResponse)
            return new DnsOutcome(DnsVerdict.Drop);
        if (header.Opcode != 0)
            return Bare(header, DnsResponseCode.NotImplemented, response);
        scoped ParsedQuery parsed;
        Span<char> name = stackalloc char[DnsLimits.NameText];
        try
        {
            parsed = ParsedQuery.Parse(query, name);
        }
        catch (DnsFormatException)
        {
            return Bare(header, DnsResponseCode.FormatError, response);
        }
        if (parsed.DuplicateOpt)
            return Empty(parsed, DnsResponseCode.FormatError, response, tcp);
        if (parsed.Edns is { Version: > 0 })
            return Empty(parsed, DnsResponseCode.BadVersion, response, tcp);
        // Class IN alone; zone transfers are for nobody.
        if (parsed.Class != 1 || parsed.Type is DnsType.Axfr or DnsType.Ixfr or DnsType.Opt or 0)
            return Empty(parsed, DnsResponseCode.Refused, response, tcp);
        var kind = zone.Find(parsed.Name, out var records, out var apex);
        // The cluster's own names come first: nobody takes one over by an alias.
        if (kind == NameKind.Foreign && client is not null && aliases?.Find(client, parsed.Name) is { } known)
            return FromAlias(parsed, zone, known, response, tcp, rotation);
        if (kind == NameKind.Foreign)
            return canForward ? Forward(parsed, parsed.Name) : Empty(parsed, DnsResponseCode.Refused, response, tcp);
        try
        {
            return FromZone(parsed, zone, kind, records, apex, response, tcp, rotation, canForward);
        }
        catch (DnsFormatException)
        {
            // A name in the zone that cannot be put on the wire, such as an ExternalName that the API server let through.
            return Empty(parsed, DnsResponseCode.ServerFailure, response, tcp);
        }
    }

    /// <summary>Makes the response to a query out of what the upstream servers said (null when none of them answered).</summary>
    public static DnsOutcome Complete(ReadOnlySpan<byte> query, ZoneIndex zone, UpstreamAnswer? answer, uint age, Span<byte> response, bool tcp)
    {
        Span<char> name = stackalloc char[DnsLimits.NameText];
        scoped ParsedQuery parsed;
        try
        {
            parsed = ParsedQuery.Parse(query, name);
        }
        catch (DnsFormatException)
        {
            return new DnsOutcome(DnsVerdict.Drop);
        }
        try
        {
            return Complete(parsed, zone, answer, age, response, tcp);
        }
        catch (DnsFormatException)
        {
            return Empty(parsed, DnsResponseCode.ServerFailure, response, tcp);
        }
    }

    private static DnsOutcome Complete(in ParsedQuery parsed, ZoneIndex zone, UpstreamAnswer? answer, uint age, Span<byte> response, bool tcp)
    {
        var writer = Begin(parsed, response, tcp);
        var counts = new Counts();
        if (zone.Find(parsed.Name, out var records, out _) == NameKind.Present && parsed.Type != DnsType.Cname)
            WriteAliases(ref writer, parsed, zone, ref records, ref counts, out _);
        foreach (var record in answer?.Records ?? [])
        {
            var ttl = record.Ttl > age ? record.Ttl - age : 0;
            // An upstream's own OPT record spoke of its connection, not of ours.
            if (record.Type == DnsType.Opt)
                continue;
            if (!writer.WriteRaw(record.Name, record.Type, record.Class, ttl, record.Data))
            {
                // Nobody misses what stands in the additional section.
                counts.Truncated |= record.Section != DnsSection.Additional;
                break;
            }
            counts.Add(record.Section);
        }
        return Finish(ref writer, parsed, answer?.Code ?? DnsResponseCode.ServerFailure, counts, authoritative: false);
    }

    private static DnsOutcome FromAlias(in ParsedQuery query, ZoneIndex zone, DnsRecord[] records, Span<byte> response, bool tcp, uint rotation)
    {
        var writer = Begin(query, response, tcp);
        var counts = new Counts();
        WriteRecords(ref writer, query.Type, query.Name, zone, records, rotation, ref counts);
        if (counts.Answers == 0 && !counts.Truncated && Soa(ref writer, zone, query.Name))
            counts.Authorities++;
        return Finish(ref writer, query, DnsResponseCode.NoError, counts, authoritative: true);
    }

    private static DnsOutcome FromZone(
        in ParsedQuery query, ZoneIndex zone, NameKind kind, DnsRecord[] records, scoped ReadOnlySpan<char> apex, Span<byte> response, bool tcp, uint rotation, bool canForward)
    {
        var writer = Begin(query, response, tcp);
        var counts = new Counts();
        scoped var name = query.Name;
        if (kind == NameKind.Present && query.Type != DnsType.Cname && records is [DnsAlias])
        {
            var foreign = WriteAliases(ref writer, query, zone, ref records, ref counts, out var target);
            if (foreign)
                return canForward ? Forward(query, target) : Finish(ref writer, query, DnsResponseCode.NoError, counts, authoritative: true);
            name = target;
        }
        WriteRecords(ref writer, query.Type, name, zone, records, rotation, ref counts);
        if (IsApex(name, zone) && query.Type is DnsType.Soa or DnsType.Any && Soa(ref writer, zone, zone.Domain))
            counts.Answers++;
        if (IsApex(name, zone) && query.Type is DnsType.Ns or DnsType.Any && writer.WriteNameRecord(name, DnsType.Ns, zone.Ttl, zone.ServerName))
            counts.Answers++;
        if (counts.Answers == 0 && !counts.Truncated)
        {
            // RFC 2308 section 2: the SOA record tells how long the absence may be remembered.
            if (Soa(ref writer, zone, apex))
                counts.Authorities++;
        }
        else if (query.Type == DnsType.Srv)
        {
            WriteTargets(ref writer, zone, records, ref counts);
        }
        return Finish(ref writer, query, kind == NameKind.Absent ? DnsResponseCode.NameError : DnsResponseCode.NoError, counts, authoritative: true);
    }

    /// <summary>
    /// Writes the chain of aliases that starts at the query's name. Returns true when it leads out of the zone, to <paramref name="target"/>;
    /// else <paramref name="records"/> are those at its end.
    /// </summary>
    private static bool WriteAliases(
        ref DnsWriter writer, in ParsedQuery query, ZoneIndex zone, ref DnsRecord[] records, ref Counts counts, out string target)
    {
        target = "";
        for (var step = 0; step < MaxAliases && records is [DnsAlias alias]; step++)
        {
            if (!writer.WriteNameRecord(step == 0 ? query.Name : target, DnsType.Cname, zone.Ttl, alias.Target))
            {
                counts.Truncated = true;
                return false;
            }
            counts.Answers++;
            target = alias.Target.ToLowerInvariant().TrimEnd('.');
            if (zone.Find(target, out records, out _) == NameKind.Foreign)
                return true;
        }
        return false;
    }

    private static void WriteRecords(
        ref DnsWriter writer, ushort type, scoped ReadOnlySpan<char> name, ZoneIndex zone, DnsRecord[] records, uint rotation, ref Counts counts)
    {
        for (var i = 0; i < records.Length; i++)
        {
            var record = records[(int)((rotation + (uint)i) % (uint)records.Length)];
            if (type != DnsType.Any && type != TypeOf(record))
                continue;
            if (!Write(ref writer, name, zone.Ttl, record))
            {
                counts.Truncated = true;
                return;
            }
            counts.Answers++;
        }
    }

    /// <summary>Addresses of SRV targets, as long as there is room: they spare the client a query (RFC 2782).</summary>
    private static void WriteTargets(ref DnsWriter writer, ZoneIndex zone, DnsRecord[] records, ref Counts counts)
    {
        foreach (var record in records)
        {
            if (record is not DnsService service || zone.Find(service.Target, out var targets, out _) != NameKind.Present)
                continue;
            foreach (var address in targets)
            {
                if (address is not DnsAddress a)
                    continue;
                if (!writer.WriteAddress(service.Target, zone.Ttl, a.Address))
                    return;
                counts.Additionals++;
            }
        }
    }

    private static bool Write(ref DnsWriter writer, scoped ReadOnlySpan<char> name, uint ttl, DnsRecord record) => record switch
    {
        DnsAddress a => writer.WriteAddress(name, ttl, a.Address),
        DnsService s => writer.WriteService(name, ttl, (ushort)s.Priority, (ushort)s.Weight, (ushort)s.Port, s.Target),
        DnsPointer p => writer.WriteNameRecord(name, DnsType.Ptr, ttl, p.Target),
        DnsAlias c => writer.WriteNameRecord(name, DnsType.Cname, ttl, c.Target),
        DnsText t => writer.WriteText(name, ttl, t.Text),
        _ => throw new ArgumentException($"a record of type {record.GetType().Name} cannot be written", nameof(record)),
    };

    private static ushort TypeOf(DnsRecord record) => record switch
    {
        DnsAddress a => a.Address.AddressFamily == AddressFamily.InterNetworkV6 ? DnsType.Aaaa : DnsType.A,
        DnsService => DnsType.Srv,
        DnsPointer => DnsType.Ptr,
        DnsAlias => DnsType.Cname,
        _ => DnsType.Txt,
    };

    private static bool Soa(ref DnsWriter writer, ZoneIndex zone, scoped ReadOnlySpan<char> apex) =>
        writer.WriteSoa(apex, zone.Ttl, zone.ServerName, zone.Mailbox, zone.Serial, zone.Ttl);

    private static bool IsApex(ReadOnlySpan<char> name, ZoneIndex zone) => name.Equals(zone.Domain, StringComparison.Ordinal);

    private static DnsOutcome Forward(in ParsedQuery query, ReadOnlySpan<char> name) => new(
        DnsVerdict.Forward,
        Question: new DnsQuestion(name.ToString(), query.Type, query.Edns?.DnssecOk ?? false, (query.Header.Flags & DnsHeader.CheckingDisabled) != 0));

    private static DnsWriter Begin(in ParsedQuery query, Span<byte> response, bool tcp)
    {
        var writer = new DnsWriter(response, query.Limit(tcp));
        writer.CopyQuestion(query.QuestionBytes);
        if (query.Edns is not null)
            writer.Reserve(DnsWriter.OptLength);
        return writer;
    }

    private static DnsOutcome Finish(ref DnsWriter writer, in ParsedQuery query, DnsResponseCode code, Counts counts, bool authoritative)
    {
        if (query.Edns is { } edns)
        {
            writer.Reserve(-DnsWriter.OptLength);
            if (writer.WriteOpt(new DnsEdns(DnsLimits.UnfragmentedUdp, (int)code >> 4, 0, edns.DnssecOk)))
                counts.Additionals++;
        }
        var flags = ReplyFlags(query.Header, code);
        if (authoritative)
            flags |= DnsHeader.Authoritative;
        if (counts.Truncated)
            flags |= DnsHeader.Truncated;
        writer.WriteHeader(new DnsHeader(query.Header.Id, flags, 1, counts.Answers, counts.Authorities, counts.Additionals));
        return new DnsOutcome(DnsVerdict.Reply, writer.Length);
    }

    private static DnsOutcome Empty(in ParsedQuery query, DnsResponseCode code, Span<byte> response, bool tcp)
    {
        var writer = Begin(query, response, tcp);
        return Finish(ref writer, query, code, new Counts(), authoritative: false);
    }

    /// <summary>A header alone, for queries whose question cannot be read.</summary>
    private static DnsOutcome Bare(DnsHeader query, DnsResponseCode code, Span<byte> response)
    {
        new DnsHeader(query.Id, (ushort)(ReplyFlags(query, code) | (query.Flags & 0x7800)), 0, 0, 0, 0).Write(response);
        return new DnsOutcome(DnsVerdict.Reply, DnsLimits.Header);
    }

    // RFC 1035 section 4.1.1: RD is copied; RA says that we do ask others. RFC 4035 section 3.2.2: CD is copied.
    private static ushort ReplyFlags(DnsHeader query, DnsResponseCode code) => (ushort)(
        DnsHeader.Response | DnsHeader.RecursionAvailable | (query.Flags & (DnsHeader.RecursionDesired | DnsHeader.CheckingDisabled)) | ((int)code & 15));

    private struct Counts
    {
        public ushort Answers;
        public ushort Authorities;
        public ushort Additionals;
        public bool Truncated;

        public void Add(DnsSection section)
        {
            switch (section)
            {
                case DnsSection.Answer:
                    Answers++;
                    break;
                case DnsSection.Authority:
                    Authorities++;
                    break;
                default:
                    Additionals++;
                    break;
            }
        }
    }
}
