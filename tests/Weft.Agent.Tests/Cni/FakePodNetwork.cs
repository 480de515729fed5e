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
            return _links.ContainsKey(hostInterface);
    }

    public IReadOnlyList<string> Verify(Attachment attachment, int mtu) => Exists(attachment.HostInterface) ? [] : ["the interface is missing"];
}
