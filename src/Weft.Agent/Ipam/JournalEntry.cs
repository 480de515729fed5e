using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Agent.Ipam;

internal enum JournalOp { Add, Del, Rest, Boot }

/// <summary>
/// One line of the journal: a checksum, a space and JSON. <c>add</c> holds a whole attachment, <c>del</c> its key and when it was
/// released; <c>rest</c> holds addresses that were in use before the journal was last compacted, and until when; <c>boot</c> notes the machine's boot.
/// </summary>
internal sealed record JournalEntry(
    JournalOp Op,
    string? Container = null,
    string? Interface = null,
    string? Namespace = null,
    string? Pod = null,
    string? Uid = null,
    string[]? Addresses = null,
    string? Host = null,
    string? Mac = null,
    string? Netns = null,
    int Mtu = 0,
    DateTimeOffset? Time = null,
    string? Network = null,
    HoldKind Kind = HoldKind.Attachment,
    JournalPort[]? Ports = null,
    long[]? Bandwidth = null,
    string[]? Aliases = null,
    long[]? Released = null,
    string? Boot = null)
{
    private const int ChecksumChars = 16;

    public static JournalEntry Add(AttachmentRecord record)
    {
        var a = record.Attachment;
        return new JournalEntry(
            JournalOp.Add, a.ContainerId, a.InterfaceName, a.Pod?.Namespace, a.Pod?.Name, a.PodUid,
            [.. a.Addresses.Select(x => x.ToString())], a.HostInterface, a.Mac, a.NetworkNamespace, record.Mtu, record.Created,
            NetworkOf(a.Network), record.Kind,
            a.PortMappings.IsEmpty ? null : [.. a.PortMappings.Select(p => new JournalPort(p.Protocol, p.HostPort, p.ContainerPort, p.HostIp?.ToString()))],
            a.Bandwidth is { } b ? [b.IngressRate, b.IngressBurst, b.EgressRate, b.EgressBurst] : null,
            a.Aliases.IsEmpty ? null : [.. a.Aliases]);
    }

    public static JournalEntry Del(AttachmentKey key, DateTimeOffset time) =>
        new(JournalOp.Del, key.ContainerId, key.InterfaceName, Time: time, Network: NetworkOf(key.Network));

    /// <summary>Addresses and when each was released.</summary>
    public static JournalEntry Rest(IReadOnlyCollection<(IPAddress Address, DateTimeOffset Released)> resting) => new(
        JournalOp.Rest,
        Addresses: [.. resting.Select(r => r.Address.ToString())],
        Released: [.. resting.Select(r => r.Released.ToUnixTimeMilliseconds())]);

    public static JournalEntry OfBoot(string id) => new(JournalOp.Boot, Boot: id);

    public AttachmentRecord ToRecord() => new(
        new Attachment(
            Container!, Interface!, Pod is null ? null : new ObjectKey(Namespace ?? "", Pod), Uid, ParseAddresses().ToEquatableArray(), Host!, Mac!, Netns!)
        {
            Network = Key.Network,
            PortMappings = (Ports ?? []).Select(p => new PortMapping(p.Protocol, p.Host, p.Container, p.Ip is null ? null : IPAddress.Parse(p.Ip))).ToEquatableArray(),
            Bandwidth = Bandwidth is [var inRate, var inBurst, var outRate, var outBurst] ? new Bandwidth(inRate, inBurst, outRate, outBurst) : null,
            Aliases = [.. Aliases ?? []],
        },
        Mtu,
        Time ?? default,
        Kind);

    [JsonIgnore]
    public AttachmentKey Key => new(Network ?? Attachment.DefaultNetwork, Container!, Interface!);

    public IEnumerable<IPAddress> ParseAddresses() => (Addresses ?? []).Select(IPAddress.Parse);

    /// <summary>Addresses of a <c>rest</c> line with the time of their release, which older journals do not tell.</summary>
    public IEnumerable<(IPAddress Address, DateTimeOffset? Released)> ParseResting() => ParseAddresses().Select(
        (a, i) => (a, Released is null ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeMilliseconds(Released[i])));

    /// <summary>The line, its newline included.</summary>
    public byte[] ToLine()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, JournalJson.Default.JournalEntry);
        var line = new byte[ChecksumChars + 1 + json.Length + 1];
        Encoding.ASCII.GetBytes(StableHash.Of(json).ToString("x16", CultureInfo.InvariantCulture), line);
        line[ChecksumChars] = (byte)' ';
        json.CopyTo(line, ChecksumChars + 1);
        line[^1] = (byte)'\n';
        return line;
    }

    /// <summary>Reads a line without its newline; null when it was not written whole.</summary>
    public static JournalEntry? TryParse(ReadOnlySpan<byte> line)
    {
        if (line.Length <= ChecksumChars + 1 || line[ChecksumChars] != (byte)' ')
            return null;
        var json = line[(ChecksumChars + 1)..];
        if (!ulong.TryParse(line[..ChecksumChars], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sum) || sum != StableHash.Of(json))
            return null;
        try
        {
            var entry = JsonSerializer.Deserialize(json, JournalJson.Default.JournalEntry);
            var complete = entry switch
            {
                { Op: JournalOp.Add } => entry is { Container: not null, Interface: not null, Host: not null, Mac: not null, Netns: not null, Addresses: not null },
                { Op: JournalOp.Del } => entry is { Container: not null, Interface: not null },
                { Op: JournalOp.Rest } => entry.Addresses is not null && (entry.Released is null || entry.Released.Length == entry.Addresses.Length),
                { Op: JournalOp.Boot } => entry.Boot is not null,
                _ => false,
            };
            complete = complete && (entry!.Ports ?? []).All(p => p is not null) && (entry.Aliases ?? []).All(a => a is not null) && (entry.Addresses ?? []).Concat((entry.Ports ?? []).Select(p => p.Ip).OfType<string>()).All(a => IPAddress.TryParse(a, out _))
                && (entry.Released ?? []).All(t => t >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && t <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds());
            return complete ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The usual network is not written: journals of before it was noted say the same.
    private static string? NetworkOf(string network) => network == Attachment.DefaultNetwork ? null : network;
}

/// <summary>A port mapping in a line of the journal.</summary>
internal sealed record JournalPort(Protocol Protocol, int Host, int Container, string? Ip);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = false)]
[JsonSerializable(typeof(JournalEntry))]
internal sealed partial class JournalJson : JsonSerializerContext;
