using Weft.Kernel;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Nftables;
using Weft.Kernel.Processes;
using Weft.Kernel.Routing;
using Weft.Model.Routing;

namespace Weft.Cli.Check;

/// <summary>What this machine must be able to do, tried for real in a namespace that is removed again.</summary>
internal static class MachineChecks
{
    public static void Run(CheckReport report)
    {
        CheckReport.Section("this machine");
        var release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        report.Line("kernel 5.15 or newer", Environment.OSVersion.Version >= new Version(5, 15), release, "Boot a newer kernel; Debian 12's own will do.");
        report.Line("privileges", Environment.IsPrivilegedProcess, Environment.IsPrivilegedProcess ? "root" : $"user {Environment.UserName}", "Run this with sudo.");
        if (!Environment.IsPrivilegedProcess)
            return;
        Try(report, "control groups (cgroup2)", () => Cgroup.Root().ToString() ?? "", "Mount cgroup2: mount -t cgroup2 none /sys/fs/cgroup.");
        InNamespace(report);
    }

    private static void InNamespace(CheckReport report)
    {
        var name = $"weft-check-{Environment.ProcessId}";
        NetNamespace? network = null;
        try
        {
            Try(
                report,
                "network namespaces",
                () =>
                {
                    network = NetNamespace.Create(name);
                    return "";
                },
                "The kernel needs CONFIG_NET_NS, and this process CAP_SYS_ADMIN.");
            if (network is null)
                return;
            using var netlink = RouteNetlink.Open(network);
            Try(report, "veth pairs", () => Make(netlink, new AddVeth("check0", 1500, null, "check1", null, null)), "Load the module: modprobe veth.");
            Try(
                report,
                "VXLAN",
                () => Make(netlink, new AddVxlan(new VxlanLink("check2", 1450, 1, 4789, System.Net.IPAddress.Loopback, "check0", new MacAddress(0x020000000001)))),
                "Load the module: modprobe vxlan.");
            using var nftables = new LibNftables(network.Path);
            Try(report, "nftables maps, NAT and connection tracking", () => Load(nftables), "Install libnftables1 and load nf_tables, nft_chain_nat, nft_ct, nft_fib_inet, nft_numgen, nft_masq, nft_reject_inet.");
        }
        finally
        {
            network?.Dispose();
            NetNamespace.Delete(name);
        }
    }

    private static string Make(RouteNetlink netlink, NetlinkRequest request)
    {
        netlink.ExecuteAll(request);
        return "";
    }

    // One of everything that the compiled table uses.
    private static string Load(LibNftables nftables)
    {
        var outcome = nftables.Apply(
            """
            table inet check {
              map services { typeof ip daddr . meta l4proto . th dport : verdict; }
              map backends { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }
              set pods { type ipv4_addr; flags interval; }
              chain pre { type nat hook prerouting priority -100; fib daddr type local dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @backends; }
              chain post { type nat hook postrouting priority 100; ip saddr @pods masquerade fully-random; }
              chain forward { type filter hook forward priority 0; ct state established,related accept; meta l4proto tcp reject with tcp reset; }
            }
            """);
        return outcome.Ok ? "" : throw new IOException(outcome.Error);
    }

    private static void Try(CheckReport report, string what, Func<string> check, string advice)
    {
        try
        {
            report.Line(what, true, check(), advice);
        }
        catch (Exception e) when (e is KernelException or IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            report.Line(what, false, e.Message, advice);
        }
    }
}
