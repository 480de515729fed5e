using System.Net;

namespace Weft.Model.Ipam;

/// <summary>A port of the node that leads to a port of a container (CNI CONVENTIONS.md, "portMappings"; Kubernetes hostPort).</summary>
/// <param name="HostIp">The only address of the node that it is open at; null for all of them, 0.0.0.0 and :: for all of that family.</param>
public sealed record PortMapping(Protocol Protocol, int HostPort, int ContainerPort, IPAddress? HostIp = null);
