using System.Net;
using System.Net.Sockets;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Primitives;

namespace Weft.Kernel.Tests;

public class NetNamespaceTests
{
    [SkippableFact]
    public void IsMadeSeenAndDeleted()
    {
        RealNamespaces.RequireRoot();
        var name = $"weft-test-{Environment.ProcessId}-life";
        using (var network = NetNamespace.Create(name))
        {
            Assert.Contains(name, NetNamespace.Names());
            Assert.True(NetNamespace.IsNetworkNamespace(NetNamespace.PathOf(name)));
            using var again = NetNamespace.OpenNamed(name);
            Assert.Equal(network.Identity, again.Identity);
            using var own = NetNamespace.OfProcess();
            Assert.NotEqual(network.Identity, own.Identity);
            Assert.Equal(Errno.EEXIST, Assert.Throws<KernelException>(() => NetNamespace.Create(name)).Errno);
            Assert.True(NetNamespace.IsNetworkNamespace(NetNamespace.PathOf(name)));
        }
        Assert.True(NetNamespace.Delete(name));
        Assert.False(NetNamespace.Delete(name));
        Assert.False(File.Exists(NetNamespace.PathOf(name)));
    }

    [SkippableFact]
    public void RunsInsideAndComesBack()
    {
        using var namespaces = new RealNamespaces();
        var (network, _) = namespaces.Add();
        // "lo" alone, where the process's own namespace may have more; and each thread's own view of it.
        Assert.Equal(["lo"], network.Run(() => File.ReadLines("/proc/thread-self/net/dev").Skip(2).Select(l => l.Split(':')[0].Trim()).ToArray()));
        using var own = NetNamespace.OfProcess();
        Assert.Equal(own.Identity, own.Run(() => { using var here = NetNamespace.Open("/proc/thread-self/ns/net"); return here.Identity; }));
        Assert.Equal(network.Identity, network.Run(() => { using var here = NetNamespace.Open("/proc/thread-self/ns/net"); return here.Identity; }));
        // One run inside another is a run of its own.
        Assert.Equal(own.Identity, network.Run(() => own.Run(() => { using var here = NetNamespace.Open("/proc/thread-self/ns/net"); return here.Identity; })));
        using var outside = NetNamespace.Open("/proc/thread-self/ns/net");
        Assert.Equal(own.Identity, outside.Identity);
    }

    [SkippableFact]
    public void WhatTheWorkThrowsIsThrown()
    {
        using var namespaces = new RealNamespaces();
        var (network, _) = namespaces.Add();
        Assert.Equal("x", Assert.Throws<InvalidOperationException>(() => network.Run(() => throw new InvalidOperationException("x"))).Message);
        Assert.Equal(1, network.Run(() => 1));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("/proc/self/ns/uts")]
    [InlineData("/no/such/file")]
    public void OtherFilesAreNoNetworkNamespaces(string path)
    {
        Assert.False(NetNamespace.IsNetworkNamespace(path));
        Assert.Contains(path, Assert.Throws<KernelException>(() => NetNamespace.Open(path)).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void RefusesNamesThatAreNoFileNames(string name) => Assert.Throws<ArgumentException>(() => NetNamespace.PathOf(name));

    [SkippableFact]
    public void SocketsLiveInTheirNamespace()
    {
        using var namespaces = new RealNamespaces();
        var (network, netlink) = namespaces.Add();
        var address = IPAddress.Parse("192.0.2.1");
        netlink.ExecuteAll(new AddAddress(new("lo", address, 32)));
        using var listener = network.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        using var client = network.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using var accepted = listener.Accept();
        Assert.Equal(client.LocalEndPoint, accepted.RemoteEndPoint);
    }

    [SkippableFact]
    public void SysctlsAreThoseOfTheNamespace()
    {
        using var namespaces = new RealNamespaces();
        var first = new NamespaceSysctls(namespaces.Add().Network);
        var second = new NamespaceSysctls(namespaces.Add().Network);
        first.Write("net/ipv4/conf/lo/rp_filter", "2");
        second.Write("net/ipv4/conf/lo/rp_filter", "1");
        Assert.Equal("2", first.Read("net/ipv4/conf/lo/rp_filter"));
        Assert.Equal("1", second.Read("net/ipv4/conf/lo/rp_filter"));
        Assert.Null(first.Read("net/ipv4/no_such_thing"));
        Assert.Equal(Errno.ENOENT, Assert.Throws<KernelException>(() => first.Write("net/ipv4/no_such_thing", "1")).Errno);
        var error = Assert.Throws<KernelException>(() => first.Write("net/ipv4/ip_forward", "many"));
        Assert.Equal(Errno.EINVAL, error.Errno);
        Assert.Contains("net/ipv4/ip_forward", error.Message);
        Assert.Throws<ArgumentException>(() => first.Read("../../etc/passwd"));
    }
}
