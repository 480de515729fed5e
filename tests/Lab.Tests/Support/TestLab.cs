using System.Globalization;
using System.Net;
using Weft.Kernel;
using Weft.Kernel.Namespaces;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;
using Weft.Scenarios;

namespace Lab.Tests.Support;

/// <summary>A lab for the tests of one collection, started as <c>weft lab up</c> starts it and taken down after them.</summary>
public class TestLab : IAsyncLifetime
{
    private const string NamePrefix = "e2e";
    private readonly string? _unfit = Unfit();
    private LabApi? _api;

    protected TestLab(int nodes, IpFamily family, string? purpose = null)
    {
        Topology = LabTopology.Create($"{NamePrefix}{Environment.ProcessId}{purpose ?? family.ToText()}", nodes, family);
        Paths = new LabPaths(Topology.Name);
    }

    public LabTopology Topology { get; }

    public LabPaths Paths { get; }

    internal LabApi Api => _api ?? throw new InvalidOperationException("the lab is not up");

    internal IReadOnlyList<LabAgent> Agents { get; private set; } = [];

    internal Machine Outside { get; private set; } = null!;

    /// <summary>By the lab's name, such as node1.</summary>
    internal IReadOnlyDictionary<string, Machine> Nodes { get; private set; } = new Dictionary<string, Machine>();

    /// <summary>Skips the running test where there can be no lab.</summary>
    public void Require() => Skip.If(_unfit is not null, _unfit);

    public async Task InitializeAsync()
    {
        if (_unfit is not null)
            return;
        await RemoveLeftoversAsync();
        await LabManager.UpAsync(Topology, _ => { }, CancellationToken.None);
        _api = new LabApi(Paths.Kubeconfig);
        Agents = [.. Topology.Nodes.Select(n => new LabAgent(n.Name, Paths.HealthSocket(n.Name)))];
        Nodes = Topology.Nodes.ToDictionary(n => n.Name, n => new Machine(n.Name, NetNamespace.OpenNamed(Paths.NodeNamespace(n.Name)), n.Addresses));
        Outside = new Machine("outside", NetNamespace.OpenNamed(Paths.OutsideNamespace), Topology.OutsideAddresses);
    }

    public Task DisposeAsync()
    {
        _api?.Dispose();
        foreach (var agent in Agents)
            agent.Dispose();
        foreach (var node in Nodes.Values)
            node.Network.Dispose();
        if (_unfit is null)
        {
            Outside?.Network.Dispose();
            LabManager.Down(Topology.Name);
        }
        return Task.CompletedTask;
    }

    /// <summary>Labs of test runs that were killed.</summary>
    private static async Task RemoveLeftoversAsync()
    {
        foreach (var lab in await LabManager.ListAsync(CancellationToken.None))
        {
            var digits = string.Concat(lab.Name.Skip(NamePrefix.Length).TakeWhile(char.IsAsciiDigit));
            if (lab.Name.StartsWith(NamePrefix, StringComparison.Ordinal) && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && !Directory.Exists($"/proc/{pid}"))
            {
                LabManager.Down(lab.Name);
            }
        }
    }

    private static string? Unfit()
    {
        if (Environment.GetEnvironmentVariable("WEFT_BIN") is not { Length: > 0 })
        {
            var root = new DirectoryInfo(Scenario.FindDirectory()).Parent!.Parent!;
            Environment.SetEnvironmentVariable("WEFT_BIN", Path.Combine(root.FullName, "out", "bin"));
        }
        try
        {
            Preflight.ThrowIfUnfit();
            return null;
        }
        catch (LabException e)
        {
            return e.Message;
        }
        catch (KernelException e)
        {
            return e.Message;
        }
    }
}

/// <summary>A place that packets start from and arrive at.</summary>
internal sealed record Machine(string Name, NetNamespace Network, IReadOnlyList<IPAddress> Addresses)
{
    public IPAddress? Address(bool ipv6) =>
        Addresses.FirstOrDefault(a => (a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6) == ipv6);
}

public sealed class IPv4Lab() : TestLab(3, IpFamily.IPv4);

/// <summary>For tests that break nodes: what they leave must not meet scenarios.</summary>
public sealed class RoughLab() : TestLab(2, IpFamily.IPv4, "rough");

public sealed class IPv6Lab() : TestLab(2, IpFamily.IPv6);

public sealed class DualLab() : TestLab(2, IpFamily.Dual);

[CollectionDefinition(Name)]
public sealed class IPv4LabCollection : ICollectionFixture<IPv4Lab>
{
    public const string Name = "IPv4 lab";
}

[CollectionDefinition(Name)]
public sealed class RoughLabCollection : ICollectionFixture<RoughLab>
{
    public const string Name = "rough lab";
}
