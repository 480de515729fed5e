using System.Text.Json;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Model.Ipam;

namespace Weft.Kubernetes.Tests;

public sealed class IpamConverterTests
{
    private static IpPool Pool(string spec) =>
        IpPoolConverter.Convert(JsonSerializer.Deserialize($$$"""{"metadata":{"name":"p","creationTimestamp":"2030-01-01T00:00:00Z"},"spec":{{{spec}}}}""", ApiJson.Default.ApiAddressPool)!);

    [Fact]
    public void What_a_pool_leaves_out_has_the_documented_meaning()
    {
        var pool = Pool("""{"cidr":"10.50.0.0/16"}""");
        Assert.Equal(
            (26, false, true, false, PoolAssignment.Automatic, (string?)null),
            (pool.BlockSize, pool.Disabled, pool.NatOutgoing, pool.StrictAffinity, pool.Assignment, pool.Invalid));
        Assert.Equal(122, Pool("""{"cidr":"fd00:50::/112"}""").BlockSize);
        // A pool smaller than the usual block is one block.
        Assert.Equal(28, Pool("""{"cidr":"10.50.0.0/28"}""").BlockSize);
    }

    [Theory]
    [InlineData("""{}""", "spec.cidr")]
    [InlineData("""{"cidr":"10.50.0.1/16"}""", "spec.cidr: '10.50.0.1/16' has host bits set")]
    [InlineData("""{"cidr":"10.50.0.0/31"}""", "spec.blockSize: 31 does not fit 10.50.0.0/31")]
    [InlineData("""{"cidr":"10.50.0.0/24","blockSize":23}""", "spec.blockSize: 23 does not fit 10.50.0.0/24; use 24 to 30")]
    [InlineData("""{"cidr":"10.50.0.0/24","reserved":["10.51.0.1"]}""", "spec.reserved[0]: 10.51.0.1/32 lies outside of 10.50.0.0/24")]
    [InlineData("""{"cidr":"10.50.0.0/24","assignment":"Never"}""", "spec.assignment: 'Never' is not one of")]
    [InlineData("""{"cidr":"10.50.0.0/24","nodeSelector":{"matchExpressions":[{"key":"a","operator":"Like"}]}}""", "spec.nodeSelector.matchExpressions[0].operator")]
    [InlineData("""{"cidr":"10.50.0.0/24","colour":"red"}""", "spec.colour")]
    public void A_pool_that_cannot_be_understood_gives_nothing_and_says_why(string spec, string inMessage)
    {
        var pool = Pool(spec);
        Assert.True(pool.Disabled);
        Assert.Contains(inMessage, pool.Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_keeps_its_loans_and_its_version()
    {
        var block = IpBlockConverter.Convert(JsonSerializer.Deserialize(
            """
            {"metadata":{"name":"10-50-0-0-26","uid":"u","resourceVersion":"7","deletionTimestamp":"2030-01-01T00:00:00Z"},
             "spec":{"cidr":"10.50.0.0/26","pool":"p","node":"n","loans":[{"id":"1","node":"m","address":"10.50.0.9"},{"id":"2","node":"m","refused":"full"},{"id":"3","node":"m"},{"node":"x"}]}}
            """, ApiJson.Default.ApiAddressBlock)!);
        Assert.Equal(("7", true), (block.Version, block.Deleting));
        Assert.Equal([true, true, false], block.Loans.Select(l => l.Answered));
    }

    [Fact]
    public void Of_annotations_only_those_of_weft_are_kept()
    {
        var pod = WorkloadConverter.Convert(JsonSerializer.Deserialize(
            """{"metadata":{"name":"a","namespace":"b","annotations":{"weft.dev/ip-pools":"web","other.io/large":"..."}}}""", ApiJson.Default.ApiPod)!);
        Assert.Equal((1, "web"), (pod.Annotations.Count, pod.Annotations[IpamAnnotations.Pools]));
    }
}
