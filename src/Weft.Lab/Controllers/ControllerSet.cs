using Weft.KubeApi;
using Weft.Lab.Informers;
using Weft.Lab.Scheduling;
using Weft.Lab.Topology;

namespace Weft.Lab.Controllers;

/// <summary>Every control loop of a lab's control plane.</summary>
internal static class ControllerSet
{
    public static IReadOnlyList<Controller> Create(LabTopology topology, ApiServer server, InformerSet api, EventRecorder events, LabLog log) =>
    [
        new Scheduler(api, events, log),
        new DeploymentController(api, events, log),
        new ReplicaSetController(api, events, log),
        new DaemonSetController(api, events, log),
        new StatefulSetController(api, events, log),
        new JobController(api, events, log),
        new EndpointSliceController(api, log),
        new ServiceAccountController(api, server.CertificateAuthorityPem, log),
        new NodeController(api, topology, events, log),
        new PodGarbageController(api, log),
    ];
}
