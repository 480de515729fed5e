using System.Net;
using Lab.Tests.Support;
using Runtimes.Tests.Support;
using Weft.Dns;
using Weft.Model.Dns;

namespace Runtimes.Tests;

/// <summary>podman 4 with CNI networking, the network <c>weft</c> being what the agent announced.</summary>
public sealed class PodmanTests
{
    private const string Configuration = "/etc/containers/containers.conf";

    [SkippableFact]
    public async Task Containers_reach_each_other_publish_ports_and_get_the_addresses_asked_for()
    {
        await using var machine = await StartAsync();

        await RunAsync(machine, "--detach", "--name", "server", "--publish", "18081:80", "--ip", "10.244.7.77", "--mac-address", "02:00:00:00:00:77",
            BusyboxImage.Name, "httpd", "-f", "-p", "80", "-h", "/www");
        var link = (await machine.RunAsync("podman", "exec", "server", "ip", "addr", "show", "eth0")).OrFail("podman exec");
        Assert.Contains("inet 10.244.7.77/32", link, StringComparison.Ordinal);
        Assert.Contains("02:00:00:00:00:77", link, StringComparison.Ordinal);
        Assert.Contains("weft", await RunAsync(machine, "--rm", BusyboxImage.Name, "sh", "-c", CriPods.Get("10.244.7.77")), StringComparison.Ordinal);
        Assert.Equal("weft\n", await machine.GetFromOutsideAsync(18081));

        (await machine.RunAsync("podman", "rm", "--force", "--time", "0", "server")).OrFail("podman rm");
        await Leftovers.NoneAsync(machine);
    }

    [SkippableFact]
    public async Task Containers_know_each_other_by_alias_and_the_world_by_name()
    {
        await using var machine = await StartAsync();
        // The rest of the world's names, as the name server of the host next door has them.
        await using var world = new DnsServer(new DnsServerOptions([], [], _ => { }));
        world.Update(new DnsZone("example.net", [new DnsRecordSet("www.example.net", [new DnsAddress(IPAddress.Parse("192.0.2.80"))])], [], []));
        world.Serve(machine.Outside.Run(() => DnsServer.Bind(Machine.OutsideAddress)));

        await RunAsync(machine, "--detach", "--name", "first", "--network-alias", "web", "--network-alias", "Pages", "--ip", "10.244.7.78",
            BusyboxImage.Name, "httpd", "-f", "-p", "80", "-h", "/www");
        await RunAsync(machine, "--detach", "--name", "client", BusyboxImage.Name, "sleep", "3600");
        Task<Outcome> Client(string command) => machine.RunAsync("podman", "exec", "client", "sh", "-c", command);

        // Nothing but what ADD answered has told the container of a name server.
        Assert.Contains($"nameserver {Machine.Dns}", (await Client("cat /etc/resolv.conf")).OrFail("resolv.conf"), StringComparison.Ordinal);
        foreach (var alias in (string[])["web", "pages", "web.weft"])
            Assert.Contains("weft", (await Client(CriPods.Get(alias))).OrFail(alias), StringComparison.Ordinal);
        Assert.Contains("192.0.2.80", (await Client("nslookup -type=a www.example.net")).OrFail("nslookup"), StringComparison.Ordinal);
        Assert.NotEqual(0, (await Client("nslookup -type=a nobody.example.net")).ExitCode);

        // Who else takes the name shares it, and who is gone has it no more.
        await RunAsync(machine, "--detach", "--name", "second", "--network-alias", "web", "--ip", "10.244.7.79", BusyboxImage.Name, "sleep", "3600");
        await Eventually.NoneAsync(async () => await Client("nslookup -type=a web") is { ExitCode: 0 } both && both.Output.Contains("10.244.7.78", StringComparison.Ordinal)
            && both.Output.Contains("10.244.7.79", StringComparison.Ordinal) ? null : "web is not both");
        (await machine.RunAsync("podman", "rm", "--force", "--time", "0", "second")).OrFail("podman rm");
        await Eventually.NoneAsync(async () => (await Client("nslookup -type=a web")).Output is var one && one.Contains("10.244.7.78", StringComparison.Ordinal)
            && !one.Contains("10.244.7.79", StringComparison.Ordinal) ? null : $"web is: {one}");

        (await machine.RunAsync("podman", "rm", "--force", "--time", "0", "--all")).OrFail("podman rm");
        await Leftovers.NoneAsync(machine);
    }

    private static async Task<Machine> StartAsync()
    {
        Host.Require("podman", "runc", "conmon");
        var machine = await Machine.StartAsync();
        try
        {
            // Besides what the page says: no systemd here.
            File.WriteAllText(machine.File(Configuration), Snippet.Of(Configuration) + """
                [engine]
                cgroup_manager = "cgroupfs"
                events_logger = "file"
                runtime = "runc"

                """);
            BusyboxImage.Write(machine.File("/run/image.tar"));
            (await machine.RunAsync("podman", "load", "-i", "/run/image.tar")).OrFail("podman load");
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    private static async Task<string> RunAsync(Machine machine, params string[] arguments) =>
        (await machine.RunAsync(["podman", "run", "--cgroup-parent", "/" + machine.Name, "--network", "weft", .. arguments])).OrFail("podman run");
}
