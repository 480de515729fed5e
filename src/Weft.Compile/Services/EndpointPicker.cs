using System.Net;
using Weft.Model;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Services;

/// <summary>A backend of a Service port.</summary>
internal readonly record struct Backend(IPAddress Address, int Port, bool Local);

/// <summary>Chooses the endpoints that traffic for a Service port may go to.</summary>
internal sealed class EndpointPicker
{
    private static readonly EndpointSlice[] None = [];

    private readonly Dictionary<ObjectKey, List<EndpointSlice>> _slices = [];
    private readonly string _nodeName;

    public EndpointPicker(ClusterSnapshot snapshot, string nodeName)
    {
        _nodeName = nodeName;
        foreach (var slice in snapshot.EndpointSlices.Values)
        {
            var service = new ObjectKey(slice.Key.Namespace, slice.Service);
            if (!_slices.TryGetValue(service, out var list))
                _slices[service] = list = [];
            list.Add(slice);
        }
    }

    /// <summary>
    /// The endpoints of a family, sorted by address and port: those that are ready, or when none is, those that still serve while they
    /// terminate (KEP-1669). With <paramref name="localOnly"/> only this node's are looked at.
    /// </summary>
    public List<Backend> Pick(Service service, ServicePort port, bool ipv6, bool localOnly)
    {
        var ready = new List<Backend>();
        var lastResort = new List<Backend>();
        foreach (var slice in _slices.GetValueOrDefault(service.Key) ?? (IEnumerable<EndpointSlice>)None)
        {
            if (slice.IsIPv6 != ipv6)
                continue;
            foreach (var slicePort in slice.Ports)
            {
                // Named targetPorts were resolved per pod by the slice controller; the Service port's name is what joins the two.
                if (slicePort.Name != port.Name || slicePort.Protocol != port.Protocol)
                    continue;
                Collect(service, slice, slicePort.Port, localOnly, ready, lastResort);
            }
        }
        var chosen = ready.Count > 0 ? ready : lastResort;
        if (chosen.Count > 1)
            chosen.Sort(static (a, b) => (IpPrefix.ToBits(a.Address), a.Port).CompareTo((IpPrefix.ToBits(b.Address), b.Port)));
        for (var i = chosen.Count - 1; i > 0; i--)
        {
            if (chosen[i].Port == chosen[i - 1].Port && chosen[i].Address.Equals(chosen[i - 1].Address))
                chosen.RemoveAt(i);
        }
        return chosen;
    }

    private void Collect(Service service, EndpointSlice slice, int port, bool localOnly, List<Backend> ready, List<Backend> lastResort)
    {
        foreach (var endpoint in slice.Endpoints)
        {
            var local = endpoint.NodeName == _nodeName;
            if (localOnly && !local || endpoint.Addresses.IsEmpty)
                continue;
            // An endpoint's addresses are interchangeable and consumers use the first (discovery/v1 Endpoint.addresses).
            var backend = new Backend(endpoint.Addresses[0], port, local);
            if (endpoint.Ready || service.PublishNotReadyAddresses)
                ready.Add(backend);
            else if (endpoint.Serving && endpoint.Terminating)
                lastResort.Add(backend);
        }
    }
}
