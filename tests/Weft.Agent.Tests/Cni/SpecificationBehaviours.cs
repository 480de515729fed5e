using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Agent.Tests.Cni;

/// <summary>What each clause asks of the commands when the input is right. S is SPEC.md 1.1.0 by section, C is CONVENTIONS.md.</summary>
internal static class SpecificationBehaviours
{
    private const string Bridge = "\"type\":\"weft-ipam\"";

    public static SortedDictionary<string, Func<SpecificationBench, Task>> All { get; } = new(StringComparer.Ordinal)
    {
        ["S2 VERSION: answers without an agent, with the version of the input"] = async b =>
        {
            var answer = (await b.Call("VERSION", "{\"cniVersion\":\"0.4.0\"}", [])).Succeeded();
            Assert.Equal(("0.4.0", "0.3.1,0.4.0,1.0.0,1.1.0"), ((string?)answer["cniVersion"], string.Join(',', answer["supportedVersions"]!.AsArray())));
        },
        ["S2 ADD: creates the interface and outputs a result with interfaces, ips, routes and dns"] = async b =>
        {
            var result = await Add(b);
            var host = Assert.Single(b.Network.Links);
            Assert.Equal(host, (string?)result["interfaces"]![0]!["name"]);
            Assert.Null(result["interfaces"]![0]!["sandbox"]);
            Assert.Equal(("eth0", SpecificationBench.Netns), ((string?)result["interfaces"]![1]!["name"], (string?)result["interfaces"]![1]!["sandbox"]));
            Assert.Equal((1, 1), ((int?)result["ips"]![0]!["interface"], (int?)result["ips"]![1]!["interface"]));
            Assert.Equal(("0.0.0.0/0", "::/0"), ((string?)result["routes"]![0]!["dst"], (string?)result["routes"]![1]!["dst"]));
        },
        ["S5 ADD Success 0.3.1: ips have a version, nothing has an mtu"] = b => Shape(b, "0.3.1", "4", null),
        ["S5 ADD Success 0.4.0: ips have a version, nothing has an mtu"] = b => Shape(b, "0.4.0", "4", null),
        ["S5 ADD Success 1.0.0: ips have no version, nothing has an mtu"] = b => Shape(b, "1.0.0", null, null),
        ["S5 ADD Success 1.1.0: ips have no version, interfaces have an mtu"] = b => Shape(b, "1.1.0", null, 1450),
        ["S2 ADD: an interface of the requested name that somebody else made is an error, with nothing changed"] = async b =>
        {
            b.Network.Foreign.Add((SpecificationBench.Netns, "eth0"));
            var before = b.State();
            (await b.Call("ADD")).Failed(4, "CNI_IFNAME: an interface eth0 exists already");
            Assert.Equal(before, b.State());
        },
        ["S2 ADD: twice without an intervening DEL is an error, with the first unharmed"] = async b =>
        {
            await Add(b);
            var before = b.State();
            (await b.Call("ADD")).Failed(4, "CNI_IFNAME: an interface eth0 exists already");
            Assert.Equal(before, b.State());
        },
        ["S2 ADD: after DEL it works again"] = async b =>
        {
            await Add(b);
            (await b.Call("DEL")).Succeeded();
            await Add(b);
        },
        ["S2 ADD: what an ADD left that never made its interface is no obstacle"] = async b =>
        {
            b.Store.Allocate(new AttachmentRequest(new AttachmentKey("weft", "c1", "eth0"), SpecificationBench.Netns, 1450));
            await Add(b);
            Assert.Single(b.Store.Attachments);
        },
        ["S2 ADD: a container may be added to a network more than once with different interface names"] = async b =>
        {
            await Add(b);
            (await b.Call("ADD", b.Configuration(), [("CNI_IFNAME", "eth1")])).Succeeded();
            (await b.Call("DEL", b.Configuration(), [("CNI_IFNAME", "eth0")])).Succeeded();
            Assert.Equal("eth1", Assert.Single(b.Store.Attachments).Key.InterfaceName);
        },
        ["S2 ADD: interface names of 15 bytes are taken"] = async b =>
            (await b.Call("ADD", b.Configuration(), [("CNI_IFNAME", "abcdefghijklmno")])).Succeeded(),
        ["S2 ADD: prevResult of the plugins before comes first, so that their indexes hold"] = async b =>
        {
            var result = (await b.Call("ADD", ("prevResult", """
                {"cniVersion":"1.1.0","interfaces":[{"name":"x0","mac":"02:00:00:00:00:09","mtu":9000,"socketPath":"/s","pciID":"0000:00:01.0"}],
                 "ips":[{"address":"192.0.2.5/24","interface":0}],
                 "routes":[{"dst":"192.0.2.0/24","gw":"192.0.2.1","mtu":1400,"advmss":1360,"priority":10,"table":100,"scope":253}],"dns":{"nameservers":["192.0.2.53"]}}
                """))).Succeeded();
            Assert.Equal(("x0", 9000, "/s", "0000:00:01.0"), (
                (string?)result["interfaces"]![0]!["name"], (int?)result["interfaces"]![0]!["mtu"], (string?)result["interfaces"]![0]!["socketPath"], (string?)result["interfaces"]![0]!["pciID"]));
            Assert.Equal((0, 2), ((int?)result["ips"]![0]!["interface"], (int?)result["ips"]![1]!["interface"]));
            var route = result["routes"]![0]!;
            Assert.Equal((1400, 1360, 10, 100, 253), ((int?)route["mtu"], (int?)route["advmss"], (int?)route["priority"], (int?)route["table"], (int?)route["scope"]));
            Assert.Equal("192.0.2.53", (string?)result["dns"]!["nameservers"]![0]);
        },
        ["S5 ADD Success: what only 1.1.0 has is left out of older results"] = async b =>
        {
            var result = (await b.Call("ADD", ("cniVersion", "\"1.0.0\""), ("prevResult", """
                {"interfaces":[{"name":"x0","mtu":9000,"socketPath":"/s","pciID":"1"}],"routes":[{"dst":"192.0.2.0/24","mtu":1,"advmss":2,"priority":3,"table":4,"scope":5}]}
                """))).Succeeded();
            Assert.Equal("{\"name\":\"x0\"}", result["interfaces"]![0]!.ToJsonString());
            Assert.Equal("{\"dst\":\"192.0.2.0/24\"}", result["routes"]![0]!.ToJsonString());
        },
        ["S5 ADD Success: prevResult of 0.3.1 is read, empty strings for what does not apply"] = async b =>
        {
            var result = (await b.Call("ADD", ("cniVersion", "\"0.3.1\""), ("prevResult", """
                {"cniVersion":"0.3.1","interfaces":[{"name":"x0","mac":"","sandbox":""}],"ips":[{"version":"4","address":"192.0.2.5/24","gateway":"","interface":0}]}
                """))).Succeeded();
            Assert.Equal("{\"name\":\"x0\"}", result["interfaces"]![0]!.ToJsonString());
        },
        ["S5 Error 11: the agent is not ready"] = async b =>
        {
            b.NotReady = "the store has not synced";
            (await b.Call("ADD")).Failed(11, "the store has not synced");
            (await b.Call("STATUS")).Failed(50, "the store has not synced");
        },
        ["S5 Error 11 and 50: there is no agent"] = async b =>
        {
            (await b.Call("ADD", ("agentSocket", "\"/nonexistent/a.sock\""))).Failed(11, "/nonexistent/a.sock");
            (await b.Call("STATUS", ("agentSocket", "\"/nonexistent/a.sock\""))).Failed(50, "/nonexistent/a.sock");
        },
        ["S5 Error 3: the namespace vanishes during ADD, and nothing is left"] = async b =>
        {
            b.Network.OnCreate = a => b.Network.RemoveNamespace(a.NetworkNamespace);
            (await b.Call("ADD")).Failed(3, "vanished");
            Nothing(b);
        },
        ["S5 Error 100: the kernel refuses, and nothing is left"] = async b =>
        {
            b.Network.FailCreate = "EPERM";
            (await b.Call("ADD")).Failed(100, "EPERM");
            Nothing(b);
        },
        ["S2 STATUS: ready"] = async b => Assert.Null((await b.Call("STATUS")).Succeeded()["code"]),
        ["S2 STATUS 51: existing containers may have limited connectivity"] = async b =>
        {
            b.Attachments.Problem = "nftables table inet weft: apply: refused";
            (await b.Call("STATUS")).Failed(51, "refused");
        },
        ["S2 STATUS 50: resources are exhausted; the next ADD says so too"] = async b =>
        {
            for (var i = 0; i < 14; i++)
                b.Store.Allocate(new AttachmentRequest(new AttachmentKey("weft", string.Create(CultureInfo.InvariantCulture, $"x{i}"), "eth0"), "/n", 1450));
            (await b.Call("STATUS")).Failed(50, "10.244.1.0/28");
            (await b.Call("ADD")).Failed(11, "10.244.1.0/28");
        },
        ["S2 STATUS: the node has no range"] = async b =>
        {
            b.Store.SetCidrs("n1", []);
            (await b.Call("STATUS")).Failed(50);
            (await b.Call("ADD")).Failed(11);
        },
        ["S2 DEL: completes and may be repeated"] = async b =>
        {
            await Add(b);
            for (var i = 0; i < 3; i++)
                (await b.Call("DEL")).Succeeded();
            Nothing(b);
        },
        ["S2 DEL: without CNI_NETNS"] = b => Deletes(b, [("CNI_NETNS", null)]),
        ["S2 DEL: with a namespace that is gone"] = b => Deletes(b, [("CNI_NETNS", "/run/netns/gone")]),
        ["S2 DEL: with what is no namespace"] = b => Deletes(b, [("CNI_NETNS", "/etc/passwd")]),
        ["S2 DEL: without CNI_ARGS that ADD had, or with others that ADD would refuse"] = b => Deletes(b, [("CNI_ARGS", "nonsense")]),
        ["S2 DEL: with an empty prevResult"] = b => Deletes(b, [], ("prevResult", "{}")),
        ["S2 DEL: with a prevResult that ADD would refuse"] = b => Deletes(b, [], ("prevResult", "[7]")),
        ["S2 DEL: with fields that ADD would refuse"] = b => Deletes(b, [], ("mtu", "\"x\""), ("runtimeConfig", "1"), ("unknown", "1"), ("type", "")),
        ["S2 DEL: a path that leads to another namespace by now is not touched"] = async b =>
        {
            await Add(b);
            b.Network.RemoveNamespace(SpecificationBench.Netns);
            b.Network.Namespaces.Add(SpecificationBench.Netns);
            b.Network.Foreign.Add((SpecificationBench.Netns, "eth0"));
            (await b.Call("DEL")).Succeeded();
            Assert.Contains((SpecificationBench.Netns, "eth0"), b.Network.Foreign);
            Nothing(b);
        },
        ["S2 DEL: of what another network made does nothing"] = async b =>
        {
            await Add(b);
            var before = b.State();
            (await b.Call("DEL", ("name", "\"other\""))).Succeeded();
            (await b.Call("DEL", b.Configuration(), [("CNI_CONTAINERID", "other")])).Succeeded();
            (await b.Call("DEL", b.Configuration(), [("CNI_IFNAME", "eth1")])).Succeeded();
            Assert.Equal(before, b.State());
        },
        ["S2 CHECK: right after ADD"] = async b => (await Check(b, await Add(b))).Succeeded(),
        ["S2 CHECK: in 0.4.0 and 1.0.0 too"] = async b =>
        {
            foreach (var version in (string[])["0.4.0", "1.0.0"])
            {
                var result = (await b.Call("ADD", ("cniVersion", $"\"{version}\""))).Succeeded();
                (await b.Call("CHECK", ("cniVersion", $"\"{version}\""), ("prevResult", result.ToJsonString()))).Succeeded();
                (await b.Call("DEL")).Succeeded();
            }
        },
        ["S2 CHECK: a resource that the plugin created is missing"] = async b =>
        {
            var result = await Add(b);
            b.Network.Changes.Add("the address 10.244.1.1 is missing on eth0");
            (await Check(b, result)).Failed(101, "the address 10.244.1.1 is missing");
        },
        ["S2 CHECK: resources that the result does not track (rules, routes of the node)"] = async b =>
        {
            var result = await Add(b);
            b.Attachments.Drift.Add("nftables rule forward is missing");
            (await Check(b, result)).Failed(101, "nftables rule forward is missing");
        },
        ["S2 CHECK: IP reservations: an address in the result that is not held for the container"] = async b =>
        {
            var result = await Add(b);
            result["ips"]![0]!["address"] = "10.244.1.9/32";
            (await Check(b, result)).Failed(101, "10.244.1.9");
        },
        ["S2 CHECK: a later plugin has changed mac and mtu, and said so"] = async b =>
        {
            var result = await Add(b);
            (result["interfaces"]![1]!["mac"], result["interfaces"]![1]!["mtu"]) = ("00:11:22:33:44:66", 1300);
            (await Check(b, result)).Succeeded();
            Assert.Equal(("00:11:22:33:44:66", 1300), (b.Network.Expected!.Mac.ToString(), b.Network.Expected.Mtu));
        },
        ["S2 CHECK: a later plugin has added interfaces, addresses and routes of its own"] = async b =>
        {
            var result = await Add(b);
            result["interfaces"]!.AsArray().Add(new JsonObject { ["name"] = "net1", ["sandbox"] = SpecificationBench.Netns });
            result["ips"]!.AsArray().Add(new JsonObject { ["address"] = "192.0.2.9/24", ["interface"] = 2 });
            result["routes"]!.AsArray().Add(new JsonObject { ["dst"] = "198.51.100.0/24", ["gw"] = "192.0.2.1" });
            (await Check(b, result)).Succeeded();
            Assert.Equal(2, b.Network.Expected!.Addresses.Count);
            Assert.Equal(2, b.Network.Expected.Gateways.Count);
        },
        ["S2 CHECK: a later plugin has put another default gateway in place of ours"] = async b =>
        {
            var result = await Add(b);
            result["routes"]![0]!["gw"] = "192.0.2.1";
            (await Check(b, result)).Succeeded();
            Assert.Equal([PodGateway.IPv6], b.Network.Expected!.Gateways);
        },
        ["S2 CHECK: a later plugin has taken an address out of the result"] = async b =>
        {
            var result = await Add(b);
            result["ips"]!.AsArray().RemoveAt(1);
            (await Check(b, result)).Succeeded();
            Assert.Equal("10.244.1.1", b.Network.Expected!.Addresses.Single().ToString());
        },
        ["S2 CHECK: what comes into force late is waited for; never is an error"] = async b =>
        {
            var result = await Add(b);
            b.Attachments.InForce = async (_, cancel) =>
            {
                await Task.Delay(Timeout.Infinite, cancel);
                return AttachmentStatus.Ready;
            };
            (await Check(b, result)).Failed(11, "not in force");
        },
        ["S2 GC: frees exactly what the list omits"] = async b => await Collects(b, "cni.dev/valid-attachments"),
        ["S2 GC: takes the older name of the list"] = async b => await Collects(b, "cni.dev/attachments"),
        ["S2 GC: an empty list frees all of the network, and nothing of another"] = async b =>
        {
            await Add(b);
            (await b.Call("ADD", b.Configuration(("name", "\"other\"")), [("CNI_CONTAINERID", "c2"), ("CNI_NETNS", "/run/netns/b")])).Succeeded();
            (await b.Call("GC", ("cni.dev/valid-attachments", "[]"))).Succeeded();
            Assert.Equal("other", Assert.Single(b.Store.Attachments).Key.Network);
        },
        ["S2 GC: goes on past failures and reports them"] = async b =>
        {
            await Add(b);
            b.Network.FailDelete = "busy";
            var answer = (await b.Call("GC", ("cni.dev/valid-attachments", "[]"))).Failed(100, "busy");
            Assert.Contains("c1", (string?)answer.Output!["details"], StringComparison.Ordinal);
            Assert.Single(b.Store.Attachments);
        },
        ["S2 GC: an attachment whose ADD runs is not freed"] = async b =>
        {
            var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
            b.Attachments.InForce = async (_, cancel) =>
            {
                begun.TrySetResult();
                await go.Task.WaitAsync(cancel);
                return AttachmentStatus.Ready;
            };
            await using var slow = new SlowOperations(b);
            var adding = slow.AddAsync();
            await begun.Task;
            await slow.CollectAsync();
            go.SetResult();
            Assert.False((await adding).Failed);
            Assert.Single(b.Store.Attachments);
        },
        ["S3: policy is in force when ADD returns: it waits for the pod with its UID"] = async b =>
        {
            b.Attachments.Pods = [(new ObjectKey("default", "web"), "old")];
            var args = ("CNI_ARGS", (string?)"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=new");
            var before = b.State();
            (await b.Call("ADD", b.Configuration(), [args])).Failed(11, "the pod default/web with the UID new");
            Assert.Equal(before, b.State());
            b.Attachments.Pods.Add((new ObjectKey("default", "web"), "new"));
            (await b.Call("ADD", b.Configuration(), [args])).Succeeded();
        },
        ["S3: without a pod there is no wait"] = async b =>
        {
            b.Attachments.Pods = [];
            (await b.Call("ADD", b.Configuration(), [("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=podman_container")])).Succeeded();
        },
        ["C CNI_ARGS: IP is ignored where args has ips"] = async b =>
        {
            var result = (await b.Call("ADD", b.Configuration(("args", "{\"cni\":{\"ips\":[\"10.244.1.7/24\"]}}")), [("CNI_ARGS", "IP=10.244.1.8")])).Succeeded();
            Assert.Equal("10.244.1.7/32", (string?)result["ips"]![0]!["address"]);
        },
        ["C capabilities: dns of the runtime goes before the configuration's"] = async b =>
        {
            var result = (await b.Call("ADD", ("dns", "{\"nameservers\":[\"192.0.2.1\"]}"), ("runtimeConfig", "{\"dns\":{\"servers\":[\"192.0.2.2\"]}}"))).Succeeded();
            Assert.Equal("192.0.2.2", (string?)result["dns"]!["nameservers"]![0]);
        },
        ["S5 ADD Success dns: the cluster's name servers where nobody names any, of the container's families"] = async b =>
        {
            Assert.Equal("10.96.0.10,fd00:96::a", await Nameservers(b));
            b.Store.SetCidrs("n1", [IpPrefix.Parse("fd00:1::/64")]);
            Assert.Equal("fd00:96::a", await Nameservers(b));
        },
        ["S5 ADD Success dns: what is named without servers stays beside the cluster's"] = async b =>
        {
            var result = (await b.Call("ADD", ("dns", "{\"domain\":\"example.org\",\"search\":[\"example.com\"]}"))).Succeeded();
            Assert.Equal(("10.96.0.10", "example.org", "example.com"), (
                (string?)result["dns"]!["nameservers"]![0], (string?)result["dns"]!["domain"], (string?)result["dns"]!["search"]![0]));
        },
        ["S5 ADD Success dns: servers of the configuration, of the runtime or of a plugin before stand alone"] = async b =>
        {
            Assert.Equal("192.0.2.1", await Nameservers(b, [("dns", "{\"nameservers\":[\"192.0.2.1\"]}")]));
            Assert.Equal("192.0.2.2", await Nameservers(b, [("runtimeConfig", "{\"dns\":{\"servers\":[\"192.0.2.2\"]}}")]));
            Assert.Equal("192.0.2.3", await Nameservers(b, [("prevResult", "{\"cniVersion\":\"1.1.0\",\"dns\":{\"nameservers\":[\"192.0.2.3\"]}}")]));
        },
        ["S5 ADD Success dns: none for a pod, whose resolv.conf its kubelet writes"] = async b =>
            Assert.Equal("", await Nameservers(b, [], ("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web"))),
        ["S4 dns: weft-ipam gives none, since whether the plugin's network reaches the cluster's is not known"] = async b =>
            Assert.Null((await Ipam(b, "ADD")).Succeeded()["dns"]?["nameservers"]?[0]),
        ["S4: weft-ipam holds addresses and makes nothing"] = async b =>
        {
            var result = (await Ipam(b, "ADD")).Succeeded();
            Assert.Null(result["interfaces"]);
            Assert.Null(result["ips"]![0]!["interface"]);
            Assert.EndsWith("/28", (string?)result["ips"]![0]!["address"], StringComparison.Ordinal);
            Assert.NotEqual(((string?)result["ips"]![0]!["address"])!.Split('/')[0], (string?)result["ips"]![0]!["gateway"]);
            Assert.Equal("198.51.100.0/24", (string?)result["routes"]![0]!["dst"]);
            Assert.Empty(b.Network.Links);
            Assert.Empty(b.Attachments.Published);
            (await Ipam(b, "CHECK", result)).Succeeded();
            (await Ipam(b, "ADD")).Failed(4, "held already");
            (await Ipam(b, "STATUS")).Succeeded();
            (await Ipam(b, "DEL")).Succeeded();
            (await Ipam(b, "DEL")).Succeeded();
            (await Ipam(b, "CHECK", result)).Failed(3);
        },
        ["S4: containers of a network share a gateway that none of them gets"] = async b =>
        {
            var gateways = new HashSet<string?>();
            for (var i = 0; i < 5; i++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"c{i}");
                var result = (await Ipam(b, "ADD", container: id)).Succeeded();
                gateways.Add((string?)result["ips"]![0]!["gateway"]);
                Assert.DoesNotContain(((string?)result["ips"]![0]!["address"])!.Split('/')[0], gateways);
            }
            Assert.Single(gateways);
        },
        ["S4: weft-ipam's GC frees its own and leaves weft-cni's alone"] = async b =>
        {
            await Add(b);
            (await Ipam(b, "ADD", container: "c2")).Succeeded();
            (await Ipam(b, "GC")).Succeeded();
            Assert.Equal(["c1"], b.Store.Attachments.Select(a => a.Key.ContainerId).Where(c => c[0] == 'c'));
            (await b.Call("GC", ("cni.dev/valid-attachments", "[]"))).Succeeded();
            Assert.DoesNotContain(b.Store.Attachments, a => a.Kind == HoldKind.Attachment);
        },
        ["S4: weft-cni's DEL leaves what weft-ipam holds to its plugin"] = async b =>
        {
            (await Ipam(b, "ADD")).Succeeded();
            var before = b.State();
            (await b.Call("DEL")).Succeeded();
            Assert.Equal(before, b.State());
        },
    };

    /// <summary>The name servers of ADD's result, which DEL then undoes.</summary>
    private static async Task<string> Nameservers(SpecificationBench bench, (string, string)[]? fields = null, params (string, string?)[] environment)
    {
        var result = (await bench.Call("ADD", bench.Configuration(fields ?? []), environment)).Succeeded();
        (await bench.Call("DEL")).Succeeded();
        return string.Join(',', result["dns"]?["nameservers"]?.AsArray().Select(n => (string?)n) ?? []);
    }

    private static async Task<JsonNode> Add(SpecificationBench bench) => (await bench.Call("ADD")).Succeeded();

    private static Task<Answer> Check(SpecificationBench bench, JsonNode result) => bench.Call("CHECK", ("prevResult", result.ToJsonString()));

    private static async Task Shape(SpecificationBench bench, string version, string? family, int? mtu)
    {
        var result = (await bench.Call("ADD", ("cniVersion", $"\"{version}\""))).Succeeded();
        Assert.Equal(version, (string?)result["cniVersion"]);
        Assert.Equal(family, (string?)result["ips"]![0]!["version"]);
        Assert.Equal(mtu, (int?)result["interfaces"]![1]!["mtu"]);
    }

    private static async Task Deletes(SpecificationBench bench, (string, string?)[] environment, params (string, string)[] fields)
    {
        await Add(bench);
        (await bench.Call("DEL", bench.Configuration(fields), environment)).Succeeded();
        Nothing(bench);
        (await bench.Call("DEL", bench.Configuration(fields), environment)).Succeeded();
    }

    private static async Task Collects(SpecificationBench bench, string field)
    {
        await Add(bench);
        (await bench.Call("ADD", bench.Configuration(), [("CNI_CONTAINERID", "c2"), ("CNI_NETNS", "/run/netns/b")])).Succeeded();
        (await bench.Call("ADD", bench.Configuration(), [("CNI_CONTAINERID", "c1"), ("CNI_IFNAME", "eth1")])).Succeeded();
        (await bench.Call("GC", (field, """[{"containerID":"c1","ifname":"eth1"},{"containerID":"c9","ifname":"eth0"}]"""))).Succeeded();
        Assert.Equal(new AttachmentKey("weft", "c1", "eth1"), Assert.Single(bench.Store.Attachments).Key);
        Assert.Single(bench.Network.Links);
        Assert.Single(bench.Attachments.Published);
    }

    private static Task<Answer> Ipam(SpecificationBench bench, string command, JsonNode? previous = null, string container = "c1") => bench.Call(
        command,
        $$"""
        {"cniVersion":"1.1.0","name":"weft","type":"bridge","bridge":"cni0","isGateway":true,"cni.dev/valid-attachments":[]
         {{(previous is null ? "" : $",\"prevResult\":{previous.ToJsonString()}")}},
         "ipam":{ {{Bridge}},"agentSocket":{{SpecificationBench.Quote(bench.Options.SocketPath)}},"routes":[{"dst":"198.51.100.0/24"}]} }
        """,
        [("CNI_CONTAINERID", container)],
        delegated: true);

    private static void Nothing(SpecificationBench bench)
    {
        Assert.Empty(bench.Store.Attachments);
        Assert.Empty(bench.Network.Links);
        Assert.Empty(bench.Attachments.Published);
    }
}
