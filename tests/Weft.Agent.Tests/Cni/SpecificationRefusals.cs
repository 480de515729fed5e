using System.Globalization;

namespace Weft.Agent.Tests.Cni;

/// <summary>A call that has to be refused: the clause it proves, what is wrong, and the error that says so.</summary>
/// <param name="Fields">Fields of the configuration, as JSON; empty takes the field away.</param>
/// <param name="Raw">The whole of standard input instead.</param>
internal sealed record Refusal(
    string Clause, string Command, int Code, string InMessage, (string, string)[]? Fields = null, (string, string?)[]? Environment = null, byte[]? Raw = null);

/// <summary>
/// Bad input, field by field. Clauses are those of SPEC.md 1.1.0 (S, by section) and of CONVENTIONS.md (C), which CNI keeps side by side.
/// </summary>
internal static class SpecificationRefusals
{
    private static readonly string Long = new('a', 300);
    private static readonly string Huge = new('x', 20_000);

    private static readonly string[] NotStrings = ["1", "true", "[]", "{}"];

    public static IReadOnlyList<Refusal> All { get; } = [.. Documents(), .. Fields(), .. Capabilities(), .. Results(), .. Variables(), .. Arguments(), .. Commands()];

    private static IEnumerable<Refusal> Documents()
    {
        const string clause = "S5 Error 6: failed to decode content";
        foreach (var (text, message) in ((string, string)[])
        [
            ("", "empty"), (" \n\t", "empty"), ("{", "line 1"), ("[]", "a list, not a JSON object"), ("null", "null, not a JSON object"), ("7", "a number"),
            ("\"{}\"", "a string"), ("{\"a\":}", "line 1"), ("{}{}", "line 1"), ("{'a':1}", "line 1"), ("{\"a\":1,}", "line 1"), ("{\"a\":01}", "line 1"),
            ("\ufeff{}", "line 1"), ("{\"a\":\"\u0001\"}", "line 1"), ("// x", "line 1"), ("{\"a\":NaN}", "line 1"), ("\0", "line 1"),
        ])
            yield return new Refusal(clause, "ADD", 6, message, Raw: System.Text.Encoding.UTF8.GetBytes(text));
        const string start = "{\"cniVersion\":\"1.1.0\",\"name\":\"weft\",\"type\":\"weft-cni\",";
        foreach (var (text, message) in ((string, string)[])
        [
            (start + "\"args\":" + new string('[', 5000) + new string(']', 5000) + "}", "not valid JSON"),
            (start + "\"mtu\":1,\"mtu\":2}", "given twice"),
            (start + "\"name\":\"other\"}", "given twice"),
            (start + "\"dns\":{\"search\":[],\"search\":[]}}", "given twice"),
            (start + "\"agentSocket\":\"/\\ud800\"}", "not valid Unicode"),
            (start + "\"\\udfff\":1}", "not valid Unicode"),
            (start + "\"args\":\"" + new string('y', 1 << 20) + "\"}", "longer than 1048576 bytes"),
        ])
            yield return new Refusal(clause, "ADD", 6, message, Raw: System.Text.Encoding.UTF8.GetBytes(text));
        yield return new Refusal(clause, "ADD", 6, "cniVersion is not valid Unicode", Raw: [.. "{\"cniVersion\":\""u8, 0xc3, 0x28, .. "\"}"u8]);
        yield return new Refusal(clause, "ADD", 6, "line 1", Raw: [0xff, 0xfe, (byte)'{', 0]);
    }

    private static IEnumerable<Refusal> Fields()
    {
        foreach (var version in (string[])["", "null", "\"\"", "\"0.1.0\"", "\"0.2.0\"", "\"0.3.0\"", "\"1.2.0\"", "\"1.1\"", "\"v1.1.0\"", "\" 1.1.0\"", "1", "[]", $"\"{Long}\""])
            yield return new Refusal("S5 Error 1: incompatible CNI version", "ADD", 1, "cniVersion", [("cniVersion", version)]);
        const string name = "S1 name: must start with an alphanumeric character, no characters disallowed in file paths";
        foreach (var value in (string[])["", "null", "\"\"", "\"../x\"", "\"a/b\"", "\".hidden\"", "\"-x\"", "\"a b\"", "\"a:b\"", "\"a\\u0000\"", "\"ä\"", $"\"{Long}\"", .. NotStrings])
            yield return new Refusal(name, "ADD", 7, "name", [("name", value)]);
        const string type = "S1 type: must not contain characters disallowed in file paths";
        foreach (var value in (string[])["", "null", "\"\"", "\"../weft-cni\"", "\"a\\\\b\"", "\"..\"", "\"a\\u0000\"", $"\"{Long}\"", .. NotStrings])
            yield return new Refusal(type, "ADD", 7, "type", [("type", value)]);
        const string config = "S5 Error 7: invalid network config";
        foreach (var value in (string[])["\"\"", "\"relative.sock\"", "\"../a.sock\"", "\"/a\\u0000b\"", $"\"/{Long}\"", .. NotStrings])
            yield return new Refusal(config, "ADD", 7, "agentSocket", [("agentSocket", value)]);
        foreach (var value in (string[])["67", "-1", "65536", "1.5", "1e99", "99999999999999999999", "\"1500\"", "[]", "{}", "true"])
            yield return new Refusal(config, "ADD", 7, "mtu", [("mtu", value)]);
        foreach (var value in (string[])["1", "\"yes\"", "[]", "{}"])
            yield return new Refusal(config, "ADD", 7, "ipMasq", [("ipMasq", value)]);
        foreach (var (value, message) in ((string, string)[])
        [
            ("[]", "dns: []"), ("\"x\"", "dns: \"x\""), ("{\"nameservers\":\"x\"}", "dns.nameservers"), ("{\"nameservers\":[\"x\"]}", "dns.nameservers: 'x'"),
            ("{\"nameservers\":[1]}", "dns.nameservers[0]"), ("{\"domain\":1}", "dns.domain"), ("{\"search\":{}}", "dns.search"), ("{\"search\":[null]}", "dns.search[0]"),
            ("{\"options\":[\"a\",2]}", "dns.options[1]"),
        ])
            yield return new Refusal("S1 dns", "ADD", 7, message, [("dns", value)]);
        const string unsupported = "S5 Error 2: the message must contain the key and value of the unsupported field";
        foreach (var (field, value) in ((string, string)[])[("agentSoket", "\"/x\""), ("bridge", "\"cni0\""), ("MTU", "9000"), ("../x", "1"), (Long, "1"), ("isGateway", "true")])
            yield return new Refusal(unsupported, "ADD", 2, value, [(field, value)]);
        yield return new Refusal(unsupported, "ADD", 2, "'ipMasq' with value false", [("ipMasq", "false")]);
        yield return new Refusal(unsupported, "ADD", 2, "'ipam' with value {\"type\":\"host-local\"}", [("ipam", "{\"type\":\"host-local\"}")]);
        yield return new Refusal(unsupported, "ADD", 2, "'ipam.subnet' with value 1", [("ipam", "{\"type\":\"weft-ipam\",\"subnet\":1}")]);
        yield return new Refusal(config, "ADD", 7, "ipam: 1", [("ipam", "1")]);
    }

    private static IEnumerable<Refusal> Capabilities()
    {
        const string clause = "C capabilities: it should return an error if the field values were malformed";
        foreach (var (value, code, message) in ((string, int, string)[])
        [
            ("1", 7, "runtimeConfig: 1"),
            ("{\"portMappings\":{}}", 7, "runtimeConfig.portMappings"),
            ("{\"portMappings\":[{}]}", 7, "runtimeConfig.portMappings[0].hostPort is missing"),
            ("{\"portMappings\":[{\"hostPort\":-1,\"containerPort\":1}]}", 7, "runtimeConfig.portMappings[0].hostPort: -1"),
            ("{\"portMappings\":[{\"hostPort\":1,\"containerPort\":70000}]}", 7, "runtimeConfig.portMappings[0].containerPort: 70000"),
            ("{\"portMappings\":[{\"hostPort\":1,\"containerPort\":1,\"protocol\":7}]}", 7, "runtimeConfig.portMappings[0].protocol: 7"),
            ("{\"portMappings\":[{\"hostPort\":1,\"containerPort\":1,\"protocol\":\"tcp;drop\"}]}", 7, "runtimeConfig.portMappings[0].protocol: 'tcp;drop'"),
            ("{\"portMappings\":[{\"hostPort\":1,\"containerPort\":1,\"hostIP\":\"10.0.0.1/8\"}]}", 7, "runtimeConfig.portMappings[0].hostIP: '10.0.0.1/8'"),
            ("{\"bandwidth\":1}", 7, "runtimeConfig.bandwidth: 1"),
            ("{\"bandwidth\":{\"egressRate\":\"1\"}}", 7, "runtimeConfig.bandwidth.egressRate: \"1\""),
            ("{\"bandwidth\":{\"egressRate\":0.5}}", 7, "runtimeConfig.bandwidth.egressRate: 0.5"),
            ("{\"ips\":[\"10.244.1.2/-1\"]}", 7, "runtimeConfig.ips: '10.244.1.2/-1'"),
            ("{\"ips\":[\"10.244.1.02.3\"]}", 7, "runtimeConfig.ips"),
            ("{\"ips\":[\"10.244.1.2\",\"10.244.1.3\"]}", 7, "second address of its family"),
            ("{\"ips\":[\"203.0.113.7\"]}", 7, "203.0.113.7"),
            ("{\"ips\":[\"10.244.1.0\"]}", 7, "10.244.1.0"),
            ("{\"ips\":[\"10.244.1.15\"]}", 7, "10.244.1.15"),
            ("{\"mac\":\"x\"}", 7, "runtimeConfig.mac: 'x'"),
            ("{\"mac\":\"33:33:00:00:00:01\"}", 7, "runtimeConfig.mac: '33:33:00:00:00:01'"),
            ("{\"dns\":[]}", 7, "runtimeConfig.dns: []"),
            ("{\"dns\":{\"servers\":[\"::g\"]}}", 7, "runtimeConfig.dns.servers: '::g'"),
            ("{\"aliases\":[\"a/b\"]}", 7, "runtimeConfig.aliases[0]: 'a/b'"),
            ("{\"aliases\":[3]}", 7, "runtimeConfig.aliases[0]: 3"),
            ($"{{\"aliases\":[\"{Long}\"]}}", 7, "runtimeConfig.aliases[0]"),
            ("{\"ipRanges\":[[]]}", 2, "'runtimeConfig.ipRanges' with value [[]]"),
            ("{\"infinibandGUID\":\"c2:11\"}", 2, "'runtimeConfig.infinibandGUID' with value \"c2:11\""),
        ])
            yield return new Refusal(clause, "ADD", code, message, [("runtimeConfig", value)]);
        const string args = "C args: ips";
        foreach (var (value, message) in ((string, string)[])[("{\"cni\":1}", "args.cni: 1"), ("{\"cni\":{\"ips\":\"x\"}}", "args.cni.ips"), ("{\"cni\":{\"ips\":[\"::1\"]}}", "a loopback address")])
            yield return new Refusal(args, "ADD", 7, message, [("args", value)]);
    }

    private static IEnumerable<Refusal> Results()
    {
        const string clause = "S5 ADD Success: the fields of prevResult";
        foreach (var (value, message) in ((string, string)[])
        [
            ("1", "prevResult: 1"), ("[]", "prevResult: []"), ("{\"interfaces\":{}}", "prevResult.interfaces"), ("{\"interfaces\":[1]}", "prevResult.interfaces[0]"),
            ("{\"interfaces\":[{}]}", "prevResult.interfaces[0].name"), ("{\"interfaces\":[{\"name\":\"a\",\"mac\":1}]}", "prevResult.interfaces[0].mac"),
            ("{\"interfaces\":[{\"name\":\"a\",\"mtu\":-1}]}", "prevResult.interfaces[0].mtu: -1"), ("{\"interfaces\":[{\"name\":\"a\",\"sandbox\":[]}]}", "prevResult.interfaces[0].sandbox"),
            ("{\"interfaces\":[{\"name\":\"a\",\"socketPath\":1}]}", "prevResult.interfaces[0].socketPath"), ("{\"interfaces\":[{\"name\":\"a\",\"pciID\":1}]}", "prevResult.interfaces[0].pciID"),
            ("{\"ips\":1}", "prevResult.ips"), ("{\"ips\":[{}]}", "prevResult.ips[0].address"), ("{\"ips\":[{\"address\":\"10.0.0.1\"}]}", "prevResult.ips[0].address: '10.0.0.1'"),
            ("{\"ips\":[{\"address\":\"10.0.0.1/8\",\"gateway\":\"x\"}]}", "prevResult.ips[0].gateway: 'x'"), ("{\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":-1}]}", "prevResult.ips[0].interface: -1"),
            ("{\"routes\":[{\"dst\":\"default\"}]}", "prevResult.routes[0].dst: 'default'"), ("{\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":5}]}", "prevResult.routes[0].gw"),
            ("{\"routes\":[{\"dst\":\"0.0.0.0/0\",\"table\":4294967296}]}", "prevResult.routes[0].table: 4294967296"), ("{\"routes\":[{\"dst\":\"0.0.0.0/0\",\"scope\":256}]}", "prevResult.routes[0].scope: 256"),
            ("{\"routes\":[{\"dst\":\"0.0.0.0/0\",\"priority\":\"1\"}]}", "prevResult.routes[0].priority"), ("{\"routes\":[{\"dst\":\"0.0.0.0/0\",\"advmss\":1.5}]}", "prevResult.routes[0].advmss: 1.5"),
            ("{\"dns\":{\"nameservers\":[\"x\"]}}", "dns.nameservers: 'x'"),
        ])
            yield return new Refusal(clause, "ADD", 7, message, [("prevResult", value)]);
        yield return new Refusal("S2 ADD: if an interface of the requested name already exists in the container", "ADD", 4, "CNI_IFNAME: an interface eth0 exists already",
            [("prevResult", "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/run/netns/a\"}],\"ips\":[]}")]);
    }

    private static IEnumerable<Refusal> Variables()
    {
        const string clause = "S5 Error 4: the message must contain the names of invalid variables";
        foreach (var command in (string[])["ADD", "CHECK", "DEL"])
        {
            foreach (var id in (string?[])[null, "", "../../etc", "/etc/passwd", ".", "-a", "_a", "a b", "a\nb", "a\0b", "a:b", "é", "a/../b", Long])
                yield return new Refusal(clause, command, 4, "CNI_CONTAINERID", Environment: [("CNI_CONTAINERID", id)]);
            foreach (var name in (string?[])[null, "", ".", "..", "../x", "a/b", "a:b", "a b", "a\tb", "a\nb", "a\0b", "\u00a0", "abcdefghijklmnop", "ééééééé€", Long])
                yield return new Refusal(clause, command, 4, "CNI_IFNAME", Environment: [("CNI_IFNAME", name)]);
        }
        foreach (var command in (string[])["ADD", "CHECK"])
            foreach (var netns in (string?[])[null, "", "relative", "run/netns/a", "../run/netns/a", "a\0", "/run/netns/a\0/x", "/" + new string('d', 5000), "/run/netns/none", "/etc/passwd", "/"])
                yield return new Refusal(clause, command, 4, "CNI_NETNS", [("prevResult", "{}")], [("CNI_NETNS", netns)]);
        foreach (var command in (string?[])[null, "", "add", "ADD ", "REMOVE", "ADD\0", Long])
            yield return new Refusal(clause, "", 4, "CNI_COMMAND", Environment: [("CNI_COMMAND", command)]);
        yield return new Refusal(clause, "ADD", 4, "CNI_CONTAINERID is not set; CNI_IFNAME is not set; CNI_NETNS is not set",
            Environment: [("CNI_CONTAINERID", null), ("CNI_IFNAME", null), ("CNI_NETNS", null)]);
    }

    private static IEnumerable<Refusal> Arguments()
    {
        const string clause = "S2 CNI_ARGS: alphanumeric key-value pairs separated by semicolons";
        foreach (var (value, message) in ((string, string)[])
        [
            ("FOO", "'FOO' is not a pair"), ("=BAR", "'=BAR' is not a pair"), ("FOO=BAR", "'FOO=BAR'"), ("IgnoreUnknown=0;FOO=BAR", "'FOO=BAR'"), ("a b=c", "'a b=c'"),
            ("K8S_POD_NAMESPACE=a", "without K8S_POD_NAME"), ("K8S_POD_NAMESPACE=A;K8S_POD_NAME=p", "K8S_POD_NAMESPACE: 'A'"), ("K8S_POD_NAMESPACE=../x;K8S_POD_NAME=p", "K8S_POD_NAMESPACE"),
            ("K8S_POD_NAMESPACE=a.b;K8S_POD_NAME=p", "K8S_POD_NAMESPACE"), ("K8S_POD_NAMESPACE=a;K8S_POD_NAME=p/q", "K8S_POD_NAME"), ("K8S_POD_NAMESPACE=a;K8S_POD_NAME=-p", "K8S_POD_NAME"),
            ("K8S_POD_NAMESPACE=a;K8S_POD_NAME=p;K8S_POD_UID=u/v", "K8S_POD_UID"), ($"K8S_POD_NAMESPACE=a;K8S_POD_NAME={Long}", "K8S_POD_NAME"), ($"X={Huge}", "characters are given"),
            ("K8S_POD_NAMESPACE=a\0;K8S_POD_NAME=p", "K8S_POD_NAMESPACE"),
        ])
            yield return new Refusal(clause, "ADD", 4, message, Environment: [("CNI_ARGS", value)]);
        const string ip = "C CNI_ARGS: IP";
        foreach (var (value, message) in ((string, string)[])
        [
            ("IP=x", "IP: 'x'"), ("IP=10.244.1", "IP: '10.244.1'"), ("IP=10.244.1.2/99", "IP: '10.244.1.2/99'"), ("IP=::", "the unspecified address"), ("MAC=x", "MAC: 'x'"),
            ("IP=10.244.1.2;MAC=ff:ff:ff:ff:ff:ff", "MAC: 'ff:"),
        ])
            yield return new Refusal(ip, "ADD", 4, message, Environment: [("CNI_ARGS", value)]);
        yield return new Refusal(ip, "ADD", 7, "203.0.113.1", Environment: [("CNI_ARGS", "IP=203.0.113.1")]);
    }

    private static IEnumerable<Refusal> Commands()
    {
        foreach (var (command, version) in ((string, string)[])[("CHECK", "0.3.1"), ("GC", "0.3.1"), ("GC", "0.4.0"), ("GC", "1.0.0"), ("STATUS", "0.3.1"), ("STATUS", "0.4.0"), ("STATUS", "1.0.0")])
            yield return new Refusal("S2: CHECK came with 0.4.0, GC and STATUS with 1.1.0", command, 1, command, [("cniVersion", $"\"{version}\"")]);
        yield return new Refusal("S2 CHECK: must consult the prevResult", "CHECK", 7, "prevResult is missing");
        yield return new Refusal("S5 Error 3: container unknown", "CHECK", 3, "container unknown-1", [("prevResult", "{}")], [("CNI_CONTAINERID", "unknown-1")]);
        foreach (var value in (string[])["1", "\"x\"", "{}", "[1]", "[{}]", "[{\"containerID\":\"a\"}]", "[{\"ifname\":\"a\"}]", "[{\"containerID\":1,\"ifname\":\"b\"}]", "[null]"])
        {
            yield return new Refusal("S2 GC: cni.dev/valid-attachments", "GC", 7, "cni.dev/valid-attachments", [("cni.dev/valid-attachments", value)]);
            yield return new Refusal("S2 GC: cni.dev/attachments, the older name", "GC", 7, "cni.dev/attachments", [("cni.dev/attachments", value)]);
        }
        yield return new Refusal("S2 GC: an absent list is not an empty one", "GC", 7, "cni.dev/valid-attachments is missing");
        yield return new Refusal("S2 GC: an absent list is not an empty one", "GC", 7, "cni.dev/valid-attachments is missing", [("cni.dev/valid-attachments", "null")]);
        foreach (var command in (string[])["DEL", "GC"])
            foreach (var (field, code) in ((string, int)[])[("cniVersion", 1), ("name", 7)])
                yield return new Refusal(string.Create(CultureInfo.InvariantCulture, $"S5 Error {code}: {command} needs {field}"), command, code, field, [(field, "\"../..\"")]);
    }
}
