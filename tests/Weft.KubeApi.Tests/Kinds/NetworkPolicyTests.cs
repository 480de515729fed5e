using Weft.KubeApi.Kinds;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Tests.Kinds;

public class NetworkPolicyTests
{
    private const string Resource = "networkpolicies.networking.k8s.io";
    private readonly KindFixture _kinds = new();

    [Theory]
    [InlineData("""{"podSelector":{}}""", "Ingress")]
    [InlineData("""{"podSelector":{},"egress":[{}]}""", "Ingress,Egress")]
    [InlineData("""{"podSelector":{},"egress":[{}],"policyTypes":["Egress"]}""", "Egress")]
    public void PolicyTypesFollowTheRules(string spec, string types)
    {
        var policy = _kinds.Create(Resource, $$$"""{"spec":{{{spec}}}}""");
        Assert.Equal(types, string.Join(",", policy.Object("spec").Texts("policyTypes")));
    }

    [Fact]
    public void ThePolicyOfTheReadmeIsGoodAndItsPortIsTcp()
    {
        const string Json = """
            {"spec":{"podSelector":{"matchLabels":{"app":"my-app"}},
             "ingress":[{"from":[{"podSelector":{"matchLabels":{"role":"frontend"}}}],"ports":[{"port":80}]}]}}
            """;
        Assert.Empty(_kinds.CreateErrors(Resource, Json));
        Assert.Equal("TCP", (string?)_kinds.Create(Resource, Json)["spec"]!["ingress"]![0]!["ports"]![0]!["protocol"]);
    }

    [Theory]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"10.0.0.0/33"}}]}]""",
        "spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"10.0.0.0/33\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"10.0.0.1"}}]}]""",
        "spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"10.0.0.1\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("""[{"from":[{"ipBlock":{}}]}]""", "spec.ingress[0].from[0].ipBlock.cidr: Required value")]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"10.0.0.0/16","except":["10.1.0.0/24"]}}]}]""",
        "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"10.1.0.0/24\": must be a strict subset of `cidr`")]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"10.0.0.0/16","except":["10.0.0.0/16"]}}]}]""",
        "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"10.0.0.0/16\": must be a strict subset of `cidr`")]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"fd00::/48","except":["10.0.0.0/24"]}}]}]""",
        "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"10.0.0.0/24\": must be a strict subset of `cidr`")]
    [InlineData("""[{"from":[{"ipBlock":{"cidr":"10.0.0.0/16","except":["nonsense"]}}]}]""",
        "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"nonsense\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("""[{"from":[{"podSelector":{},"ipBlock":{"cidr":"10.0.0.0/16"}}]}]""",
        "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer")]
    [InlineData("""[{"from":[{}]}]""", "spec.ingress[0].from[0]: Required value: must specify a peer")]
    [InlineData("""[{"ports":[{"port":0}]}]""", "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("""[{"ports":[{"port":"Web"}]}]""",
        "spec.ingress[0].ports[0].port: Invalid value: \"Web\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    [InlineData("""[{"ports":[{"port":80,"endPort":79}]}]""", "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`")]
    [InlineData("""[{"ports":[{"port":"web","endPort":90}]}]""",
        "spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric")]
    [InlineData("""[{"ports":[{"endPort":90}]}]""", "spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is not specified")]
    [InlineData("""[{"ports":[{"port":80,"protocol":"ICMP"}]}]""",
        "spec.ingress[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"")]
    [InlineData("""[{"from":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}]}]""",
        "spec.ingress[0].from[0].podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'")]
    [InlineData("""[{"from":[{"podSelector":{"matchExpressions":[{"key":"a","operator":"Near"}]}}]}]""",
        "spec.ingress[0].from[0].podSelector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator")]
    public void RefusesBadIngressByNameOfTheField(string ingress, string error) =>
        Assert.Equal([error], _kinds.CreateErrors(Resource, $$$"""{"spec":{"podSelector":{},"ingress":{{{ingress}}}}}"""));

    [Theory]
    [InlineData("""{"podSelector":{},"policyTypes":["Both"]}""", "spec.policyTypes[0]: Unsupported value: \"Both\": supported values: \"Egress\", \"Ingress\"")]
    [InlineData("""{"podSelector":{"matchLabels":{"-a":"b"}}}""",
        "spec.podSelector.matchLabels: Invalid value: \"-a\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")]
    public void RefusesBadSpecs(string spec, string error) =>
        Assert.Equal([error], _kinds.CreateErrors(Resource, $$$"""{"spec":{{{spec}}}}"""));

    [Fact]
    public void AnUnknownFieldIsFoundByItsPath() =>
        Assert.Equal(["spec.ingress[0].fromm"], ObjectDecoder.Decode(
            KindFixture.Parse("""{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"x"},"spec":{"podSelector":{},"ingress":[{"fromm":[]}]}}"""),
            SchemaLibrary.BuiltIn.Get("io.k8s.api.networking.v1.NetworkPolicy"), custom: false).Unknown);
}
