using Weft.Wire.Cni;

namespace Weft.Wire.Tests.Cni;

public class CniEnvironmentTests
{
    private static CniEnvironment Read(params (string Key, string Value)[] variables) =>
        CniEnvironment.Read(name => variables.Where(v => v.Key == name).Select(v => v.Value).FirstOrDefault());

    // SPEC.md 1.1.0 section 2: which parameters each operation requires.
    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID is not set; CNI_IFNAME is not set; CNI_NETNS is not set")]
    [InlineData("CHECK", "CNI_CONTAINERID is not set; CNI_IFNAME is not set; CNI_NETNS is not set")]
    [InlineData("DEL", "CNI_CONTAINERID is not set; CNI_IFNAME is not set")]
    public void Names_every_variable_that_is_missing(string command, string expected)
    {
        var e = Assert.Throws<CniException>(() => Read(("CNI_COMMAND", command)));
        Assert.Equal(CniErrorCode.InvalidEnvironment, e.Code);
        Assert.Equal($"{command}: {expected}", e.Message);
    }

    [Theory]
    [InlineData("GC")]
    [InlineData("STATUS")]
    [InlineData("VERSION")]
    public void Commands_without_a_container_need_the_command_alone(string command) =>
        Assert.Equal(command, Read(("CNI_COMMAND", command)).Command.Text());

    [Theory]
    [InlineData("")]
    [InlineData("add")]
    [InlineData("FROB")]
    public void An_unknown_command_is_refused(string command) =>
        Assert.Equal(CniErrorCode.InvalidEnvironment, Assert.Throws<CniException>(() => Read(("CNI_COMMAND", command))).Code);

    [Fact]
    public void Del_accepts_a_missing_namespace()
    {
        var e = Read(("CNI_COMMAND", "DEL"), ("CNI_CONTAINERID", "a"), ("CNI_IFNAME", "eth0"));
        Assert.Equal("", e.Netns);
    }

    // SPEC.md 1.1.0 section 2, "Parameters": CNI_CONTAINERID.
    [Theory]
    [InlineData("a", true)]
    [InlineData("0f3e_.-Z", true)]
    [InlineData("_a", false)]
    [InlineData("-a", false)]
    [InlineData(".a", false)]
    [InlineData("a/b", false)]
    [InlineData("../etc", false)]
    [InlineData("a b", false)]
    [InlineData("a\0", false)]
    [InlineData("é", false)]
    public void Container_ids(string id, bool valid) => Assert.Equal(valid, CniNames.CheckContainerId(id) is null);

    // SPEC.md 1.1.0 section 2, "Parameters": CNI_IFNAME.
    [Theory]
    [InlineData("eth0", true)]
    [InlineData("exactly15bytes.", true)]
    [InlineData("sixteen-bytes-xx", false)]
    [InlineData("ééééééé", true)]
    [InlineData("éééééééé", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("a:b", false)]
    [InlineData("a b", false)]
    [InlineData("a\tb", false)]
    [InlineData("", false)]
    public void Interface_names(string name, bool valid) => Assert.Equal(valid, CniNames.CheckInterfaceName(name) is null);

    [Theory]
    [InlineData("/run/netns/a", true)]
    [InlineData("/proc/1/ns/net", true)]
    [InlineData("run/netns/a", false)]
    [InlineData("", false)]
    [InlineData("/a\0b", false)]
    public void Namespace_paths(string path, bool valid) => Assert.Equal(valid, CniNames.CheckNetns(path) is null);

    // CONVENTIONS.md: the keys that Kubernetes runtimes send.
    [Fact]
    public void Arguments_of_a_Kubernetes_runtime()
    {
        var a = CniArguments.Parse("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=u-1;OTHER=x");
        Assert.Equal(new CniArguments("default", "web-0", "u-1", "abc"), a);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("IgnoreUnknown=true")]
    // podman's: the container's name, and no pod.
    [InlineData("IgnoreUnknown=1;K8S_POD_NAME=A_container")]
    public void Arguments_may_be_absent(string? text) => Assert.Equal(CniArguments.None, CniArguments.Parse(text));

    [Theory]
    [InlineData("FOO=BAR", "'FOO=BAR'")]
    [InlineData("FOO", "'FOO' is not a pair")]
    [InlineData("=x", "'=x' is not a pair")]
    [InlineData("K8S_POD_NAMESPACE=a", "without K8S_POD_NAME")]
    [InlineData("K8S_POD_NAMESPACE=a/../b;K8S_POD_NAME=x", "K8S_POD_NAMESPACE: 'a/../b'")]
    [InlineData("K8S_POD_NAMESPACE=a;K8S_POD_NAME=x\ny", "K8S_POD_NAME: 'x\\x0ay'")]
    [InlineData("K8S_POD_NAMESPACE=a;K8S_POD_NAME=x;K8S_POD_UID=/etc", "K8S_POD_UID: '/etc'")]
    public void Arguments_that_are_wrong_are_named(string text, string inMessage)
    {
        var e = Assert.Throws<CniException>(() => CniArguments.Parse(text));
        Assert.Equal(CniErrorCode.InvalidEnvironment, e.Code);
        Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
    }

    // CONVENTIONS.md, "CNI_ARGS": IP, with or without a prefix length; MAC is podman's --mac-address.
    [Theory]
    [InlineData("IP=192.168.10.4/24", "192.168.10.4")]
    [InlineData("IP=192.168.10.4", "192.168.10.4")]
    [InlineData("IP=192.168.10.4,fd00::7/64", "192.168.10.4 fd00::7")]
    [InlineData("IP=", "")]
    public void An_address_may_be_asked_for(string text, string addresses) =>
        Assert.Equal(addresses, string.Join(' ', CniArguments.Parse(text).Addresses()));

    [Theory]
    [InlineData("IP=10.1", "'10.1' is not an IP address")]
    [InlineData("IP=10.1.1.1/33", "'10.1.1.1/33' is not an IP address")]
    [InlineData("IP=127.0.0.1", "a loopback address")]
    [InlineData("IP=224.0.0.1", "a multicast address")]
    [InlineData("IP=fe80::1%eth0", "is not an IP address")]
    [InlineData("IP=10.0.0.1,10.0.0.2", "a second address of its family")]
    [InlineData("MAC=01:00:00:00:00:01", "not the hardware address of one device")]
    [InlineData("MAC=c2:11:22:33:44", "not the hardware address of one device")]
    public void What_is_asked_for_must_be_possible(string text, string inMessage)
    {
        var arguments = CniArguments.Parse(text);
        var e = Assert.Throws<CniException>(() =>
        {
            arguments.Addresses();
            arguments.HardwareAddress();
        });
        Assert.Equal(CniErrorCode.InvalidEnvironment, e.Code);
        Assert.StartsWith("CNI_ARGS: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hardware_address_may_be_asked_for() =>
        Assert.Equal(0xc21122334455UL, CniArguments.Parse("MAC=C2:11:22:33:44:55").HardwareAddress());
}
