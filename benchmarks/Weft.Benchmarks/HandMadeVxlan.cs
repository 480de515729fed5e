namespace Weft.Benchmarks;

/// <summary>
/// Two nodes and a pod on each, as the lab has them (a bridge as underlay, veth pairs, a VXLAN device a node, routed pods), made with ip(8): no
/// Services, no policy, no connection tracking.
/// </summary>
internal sealed class HandMadeVxlan : IDisposable
{
    public const string Client = "weft-hand-p1";
    public const string Server = "weft-hand-p2";
    public const string ServerAddress = "10.99.2.2";

    private static readonly string[] Namespaces = ["weft-hand-underlay", "weft-hand-n1", "weft-hand-n2", Client, Server];

    public HandMadeVxlan()
    {
        Clean();
        foreach (var name in Namespaces)
            Ip("netns", "add", name);
        In("weft-hand-underlay", "link add br0 type bridge", "link set br0 up");
        foreach (var i in new[] { 1, 2 })
            Node(i, 3 - i);
    }

    public void Dispose() => Clean();

    private static void Node(int i, int other)
    {
        var (node, pod) = ($"weft-hand-n{i}", $"weft-hand-p{i}");
        In(
            "weft-hand-underlay",
            $"link add u{i} mtu 1500 type veth peer name eth0 netns {node}",
            $"link set u{i} master br0 up");
        In(
            node,
            "link set lo up",
            "link set eth0 up",
            $"addr add 172.29.0.{i}/24 dev eth0",
            $"link add vx0 mtu 1450 address 02:00:00:00:00:0{i} type vxlan id 99 dstport 4790 local 172.29.0.{i} dev eth0 nolearning",
            "link set vx0 up",
            $"addr add 10.99.{i}.0/32 dev vx0",
            $"neigh add 10.99.{other}.0 lladdr 02:00:00:00:00:0{other} dev vx0 nud permanent",
            $"route add 10.99.{other}.0/24 via 10.99.{other}.0 dev vx0 onlink",
            $"link add pod0 mtu 1450 address 02:00:00:00:01:0{i} type veth peer name eth0 netns {pod}",
            "link set pod0 up",
            $"route add 10.99.{i}.2/32 dev pod0");
        Shell.Run("bridge", ["-n", node, "fdb", "add", $"02:00:00:00:00:0{other}", "dev", "vx0", "dst", $"172.29.0.{other}"]);
        In(
            pod,
            "link set lo up",
            $"link set eth0 address 02:00:00:00:02:0{i} up",
            $"addr add 10.99.{i}.2/32 dev eth0",
            $"neigh add 169.254.1.1 lladdr 02:00:00:00:01:0{i} dev eth0 nud permanent",
            "route add default via 169.254.1.1 dev eth0 onlink");
        In(node, $"neigh add 10.99.{i}.2 lladdr 02:00:00:00:02:0{i} dev pod0 nud permanent");
        Shell.Run("ip", ["netns", "exec", node, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0"]);
    }

    private static void In(string ns, params string[] commands)
    {
        foreach (var command in commands)
            Ip(["-n", ns, .. command.Split(' ')]);
    }

    private static void Ip(params string[] words) => Shell.Run("ip", words);

    private static void Clean()
    {
        foreach (var name in Namespaces.Where(n => File.Exists($"/run/netns/{n}")))
            Ip("netns", "delete", name);
    }
}
