using Weft.Agent;
using Weft.Agent.Admin;
using Weft.Agent.Cni;
using Weft.Agent.Flow;
using Weft.Agent.Ipam;
using Weft.Agent.Ipam.Blocks;
using Weft.Kubernetes.Ipam;
using Weft.Kubernetes.Status;
using Weft.Kubernetes.Watch;
using Weft.Store;

return await AgentOptions.ParseAndRunAsync(args, async (options, cancel) =>
{
    // One agent a node: a second one must not even begin.
    using var claim = NodeClaim.Take(options);

    // Watch: what the API server says fills the store.
    using var log = new AgentLog();
    using var api = ApiConnection.Open(options.Kubeconfig);
    var store = new ClusterStore();
    var watching = ClusterReflectors.RunAsync(api, store, log.For("watch"), cancel);

    // Compile and reconcile: the one loop between store and kernel.
    using var kernel = NodeKernel.Open();
    using var addresses = AddressStore.Open(Path.Combine(options.StateDir, "ipam"), TimeProvider.System, options.Addresses());
    var config = kernel.Config(options);
    var flow = new NodeFlow(store, config, kernel.Reconciler(inUse: addresses.OwnsInterface), TimeProvider.System, log.For("flow"));

    // Those who ask from outside: container runtimes, pods' resolvers, people.
    using var ipam = new NodeAddresses(new IpamContext(config, addresses, store, new BlockApi(api), TimeProvider.System, new IpamTimes(), log.Lines("ipam")));
    await using var cni = new NodeCni(options, config, addresses, ipam, kernel, store, flow, log.For("cni"));
    await using var dns = new NodeDns(options, config, flow, log.For("dns"));
    var garbage = cni.Garbage(log.For("garbage"));
    var people = new IpamAdmin(options.Node, addresses, store, kernel.Pods(), cni.Operations, () => garbage.Suspects);
    var admin = new AdminServer(options.HealthSocket, store, flow, new AgentTables(store, flow, kernel.Drift()), garbage, people);
    await using var administration = await admin.StartAsync(cancel);

    // What an earlier agent attached enters the store before the first pass, so that nothing of it is taken away.
    await store.Synced.WaitAsync(cancel);
    cni.Restore();
    cni.Serve();
    var flowing = flow.RunAsync(cancel);
    _ = new DriftMonitor(store, flow, kernel.Netlink, log.For("drift")).RunAsync(cancel);
    await Task.WhenAny(flowing, flow.UntilAsync(_ => true, cancel));
    var tending = ipam.RunAsync(cancel);
    dns.Start();

    // Besides claims of address blocks, the one way back is status: it opens the node to pods, which NodeCni has shown to runtimes by then.
    var status = new StatusWriter(api, options.Node, TimeProvider.System, log.For("status"));
    var telling = new StatusLoop(flow, cni.Problem, status, options.Node, TimeProvider.System).RunAsync(cancel);
    var ended = await Task.WhenAny(flowing, watching, tending, telling, garbage.RunAsync(cancel));
    return cancel.IsCancellationRequested ? 0 : log.Fail(ended.Exception);
});
