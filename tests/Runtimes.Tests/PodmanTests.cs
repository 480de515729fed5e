using Lab.Tests.Support;
using Runtimes.Tests.Support;

namespace Runtimes.Tests;

/// <summary>podman 4 with CNI networking, the network <c>weft</c> being what the agent announced.</summary>
public sealed class PodmanTests
{
    private const string Configuration = "/etc/containers/containers.conf";

    [SkippableFact]
    public async Task Containers_reach_each_other_publish_ports_and_get_the_addresses_asked_for()
    {
        Host.Require("podman", "runc", "conmon");
        await using var machine = await Machine.StartAsync();
        // Besides what the page says: no systemd here.
        File.WriteAllText(machine.File(Configuration), Snippet.Of(Configuration) + """
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            runtime = "runc"

            """);
        BusyboxImage.Write(machine.File("/run/image.tar"));
        (await machine.RunAsync("podman", "load", "-i", "/run/image.tar")).OrFail("podman load");
        Task<Outcome> Run(params string[] arguments) =>
            machine.RunAsync(["podman", "run", "--cgroup-parent", "/" + machine.Name, "--network", "weft", .. arguments]);

        (await Run("--detach", "--name", "server", "--publish", "18081:80", "--ip", "10.244.7.77", "--mac-address", "02:00:00:00:00:77",
            BusyboxImage.Name, "httpd", "-f", "-p", "80", "-h", "/www")).OrFail("podman run");
        var link = (await machine.RunAsync("podman", "exec", "server", "ip", "addr", "show", "eth0")).OrFail("podman exec");
        Assert.Contains("inet 10.244.7.77/32", link, StringComparison.Ordinal);
        Assert.Contains("02:00:00:00:00:77", link, StringComparison.Ordinal);
        Assert.Contains("weft", (await Run("--rm", BusyboxImage.Name, "sh", "-c", CriPods.Get("10.244.7.77"))).OrFail("client"), StringComparison.Ordinal);
        Assert.Equal("weft\n", await machine.GetFromOutsideAsync(18081));

        (await machine.RunAsync("podman", "rm", "--force", "--time", "0", "server")).OrFail("podman rm");
        await Leftovers.NoneAsync(machine);
    }
}
