using System.Globalization;
using System.Net;
using Weft.Model;
using Weft.Primitives;

namespace Weft.Scenarios;

/// <summary>Reads flows.txt.</summary>
public static class FlowParser
{
    /// <param name="text">The file.</param>
    /// <param name="ipv6">The family of lines that do not say one.</param>
    /// <exception cref="FormatException">A line is not a flow; the message names the line and what was expected.</exception>
    public static IReadOnlyList<Flow> Parse(string text, bool ipv6)
    {
        var flows = new List<Flow>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var hash = lines[i].IndexOf('#', StringComparison.Ordinal);
            var line = (hash < 0 ? lines[i] : lines[i][..hash]).Trim();
            if (line.Length == 0)
                continue;
            try
            {
                flows.Add(Line(i + 1, line, ipv6));
            }
            catch (FormatException e)
            {
                throw new FormatException($"line {i + 1}, '{line}': {e.Message}");
            }
        }
        return flows;
    }

    private static Flow Line(int number, string line, bool ipv6)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 4 || words[1] != "->")
            throw new FormatException("a flow is FROM -> TO:PORT/PROTOCOL VERDICT [key=value ...]");
        var colon = words[2].LastIndexOf(':');
        if (colon < 0)
            throw new FormatException($"'{words[2]}' has no port; write {words[2]}:8080/TCP or {words[2]}:ping");
        var (port, protocol) = PortOf(words[2][(colon + 1)..]);
        var verdict = Enum.TryParse<FlowVerdict>(words[3], ignoreCase: true, out var parsed)
            ? parsed
            : throw new FormatException($"'{words[3]}' is not a verdict; write allow, deny, reject or unreachable");
        var flow = new Flow(number, line, End(words[0]), End(words[2][..colon]), protocol, port, verdict, ipv6, null, [], null);
        foreach (var word in words.Skip(4))
            flow = Attribute(flow, word);
        return flow.To is FlowEnd.Address { Value: var address }
            ? flow with { IPv6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 }
            : flow;
    }

    private static Flow Attribute(Flow flow, string word)
    {
        var value = word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..];
        return word.Split('=')[0] switch
        {
            "ipv4" => flow with { IPv6 = false },
            "ipv6" => flow with { IPv6 = true },
            "from" => flow with { SourceSeen = value },
            "to" => flow with { Backends = value.Split(',').Select(Key).ToEquatableArray() },
            "via" => flow with { Via = value },
            _ => throw new FormatException($"'{word}' is not one of ipv4, ipv6, from=, to=, via="),
        };
    }

    private static (int Port, byte Protocol) PortOf(string text)
    {
        if (text == "ping")
            return (0, 1);
        var parts = text.Split('/');
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            throw new FormatException($"'{text}' is not PORT/PROTOCOL such as 80/TCP, or ping");
        return parts[1] switch
        {
            "TCP" => (port, (byte)Protocol.Tcp),
            "UDP" => (port, (byte)Protocol.Udp),
            "SCTP" => (port, (byte)Protocol.Sctp),
            _ => throw new FormatException($"'{parts[1]}' is not one of TCP, UDP, SCTP"),
        };
    }

    private static FlowEnd End(string text)
    {
        if (text == "outside")
            return new FlowEnd.Outside();
        if (text == "dns")
            return new FlowEnd.Dns();
        if (IPAddress.TryParse(text.Trim('[', ']'), out var address))
            return new FlowEnd.Address(address);
        return text.Split('/') switch
        {
            ["node", var name] => new FlowEnd.Node(name),
            ["service", var ns, var name] => new FlowEnd.Service(new ObjectKey(ns, name)),
            [_, _] => new FlowEnd.Pod(Key(text)),
            _ => throw new FormatException($"'{text}' is not NAMESPACE/POD, service/NAMESPACE/NAME, node/NAME, outside, dns or an address"),
        };
    }

    private static ObjectKey Key(string text) => text.Split('/') is [var ns, var name]
        ? new ObjectKey(ns, name)
        : throw new FormatException($"'{text}' is not NAMESPACE/NAME");
}
