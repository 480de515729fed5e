using Weft.Agent.Cni;
using Weft.Model.Ipam;

namespace Weft.Agent.Tests.Cni;

/// <summary>Interfaces as a set of names, with namespaces that can vanish and calls that can be made to fail.</summary>
internal sealed class FakePodNetwork : IPodNetwork
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Attachment> _links = [];

    public HashSet<string> Namespaces { get; } = [];

    public IReadOnlyCollection<string> Links
    {
        get
        {
            lock (_lock)
                return [.. _links.Keys];
        }
    }

    /// <summary>Interfaces that others have made: namespace and name.</summary>
    public HashSet<(string Netns, string Name)> Foreign { get; } = [];

    /// <summary>What CHECK finds changed.</summary>
    public List<string> Changes { get; } = [];

    public PodExpectation? Expected { get; private set; }

    public string? FailCreate { get; set; }

    public string? FailDelete { get; set; }

    public Action<Attachment>? OnCreate { get; set; }

    public string? NamespaceProblem(string netns) => Namespaces.Contains(netns) ? null : $"'{netns}' does not exist";

    public void RemoveNamespace(string netns)
    {
        lock (_lock)
        {
            Namespaces.Remove(netns);
            foreach (var link in _links.Where(l => l.Value.NetworkNamespace == netns).ToList())
                _links.Remove(link.Key);
        }
    }

    public void Create(Attachment attachment, int mtu)
    {
        OnCreate?.Invoke(attachment);
        if (FailCreate is { } problem)
            throw new PodNetworkException(problem);
        if (NamespaceProblem(attachment.NetworkNamespace) is { } gone)
            throw new PodNetworkException(gone);
        lock (_lock)
            _links[attachment.HostInterface] = attachment;
    }

    public bool Delete(string hostInterface)
    {
        if (FailDelete is { } problem)
            throw new PodNetworkException(problem);
        lock (_lock)
            return _links.Remove(hostInterface);
    }

    public bool Exists(string hostInterface)
    {
        lock (_lock)
            return _links.ContainsKey(hostInterface) || Strays.Contains(hostInterface);
    }

    /// <summary>Host ends that no ADD made.</summary>
    public HashSet<string> Strays { get; } = [];

    public IReadOnlyList<string> HostInterfaces() => [.. Links, .. Strays];

    public bool HasInterface(string netns, string name)
    {
        lock (_lock)
            return Foreign.Contains((netns, name)) || _links.Values.Any(a => a.NetworkNamespace == netns && a.InterfaceName == name);
    }

    public IReadOnlyList<string> Verify(Attachment attachment, PodExpectation expected)
    {
        Expected = expected;
        return Exists(attachment.HostInterface) ? [.. Changes] : ["the interface is missing"];
    }
}
