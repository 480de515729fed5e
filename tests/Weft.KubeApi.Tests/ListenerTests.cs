using System.Net;
using System.Net.Sockets;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests;

public sealed class ListenerTests
{
    [Fact]
    public async Task A_socket_that_listens_already_is_served_beside_an_address()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        var handle = socket.SafeHandle.DangerousGetHandle();
        // The server owns the descriptor from here on.
        socket.SafeHandle.SetHandleAsInvalid();

        await using var server = await TestServer.StartAsync(o => o with { Listeners = [.. o.Listeners, ApiListener.OnSocket((ulong)handle)] });
        Assert.Equal("ok", await server.Http.GetStringAsync("/readyz"));
        Assert.Equal("ok", await server.Http.GetStringAsync($"https://127.0.0.1:{port}/readyz"));
        Assert.Equal(port, server.Server.Endpoints[1].Port);
    }

    [Fact]
    public async Task Files_with_secrets_are_for_their_owner_only()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var name in new[] { "kubeconfig", "admin.token", "ca.key", "apiserver.key", "service-account.key", "objects.db" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.Directory, name)));
    }

    [Fact]
    public async Task A_service_accounts_token_lives_as_long_as_the_account()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("serviceaccounts", "default", Objects.Parse("""{"metadata":{"name":"agent"}}"""));
        server.Http.DefaultRequestHeaders.Authorization = new("Bearer", server.Server.IssueServiceAccountToken("default", "agent"));
        var (code, review) = await server.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", Objects.Parse("{}"));
        Assert.Equal((201, "system:serviceaccount:default:agent"), (code, (string)review["status"]!["userInfo"]!["username"]!));
        await server.Client.DeleteAsync("serviceaccounts", "default", "agent");
        (code, _) = await server.SendAsync("GET", "/api/v1/namespaces");
        Assert.Equal(401, code);
    }
}
