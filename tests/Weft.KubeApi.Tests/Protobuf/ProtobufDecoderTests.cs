using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Protobuf;

namespace Weft.KubeApi.Tests.Protobuf;

public class ProtobufDecoderTests
{
    [Fact]
    public void ADeploymentReadsAsItsJson()
    {
        // replicas 0 was set (a pointer in Go); minReadySeconds 0 and the empty namespace were not.
        var container = Join(Text(1, "c"), Text(2, "i"), Text(13, ""), Message(6, Join(Number(2, 0), Number(3, 80), Text(4, "TCP"))),
            Message(8, Message(1, Join(Text(1, "cpu"), Message(2, Text(1, "100m"))))),
            Message(11, Join(Message(1, Message(2, Join(Text(1, "/"), Message(2, Join(Number(1, 1), Text(3, "web")))))), Number(2, 5))));
        var template = Join(Message(1, Message(11, Join(Text(1, "a"), Text(2, "b")))), Message(2, Message(2, container)));
        var deployment = Join(
            Message(1, Join(Text(1, "d"), Text(3, ""), Message(8, []))),
            Message(2, Join(Number(1, 0), Message(2, Message(1, Join(Text(1, "a"), Text(2, "b")))), Message(3, template), Message(4, []), Number(5, 0))),
            Message(3, Number(1, 0)));
        var expected = JsonNode.Parse("""
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},
             "spec":{"replicas":0,"selector":{"matchLabels":{"a":"b"}},"strategy":{},
               "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i",
                 "ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"100m"}},
                 "readinessProbe":{"httpGet":{"path":"/","port":"web"},"initialDelaySeconds":5}}]}}},
             "status":{}}
            """);
        var decoded = ProtobufDecoder.Decode(Envelope("apps/v1", "Deployment", deployment));
        Assert.True(JsonNode.DeepEquals(expected, decoded), decoded.ToJsonString());
    }

    [Fact]
    public void BytesTimesAndMaps()
    {
        var secret = Join(Message(1, Message(8, Number(1, 86400))), Message(2, Join(Text(1, "k"), Message(2, [1, 2, 3]))), Text(3, "Opaque"));
        Assert.Equal("""{"apiVersion":"v1","kind":"Secret","metadata":{"creationTimestamp":"1970-01-02T00:00:00Z"},"data":{"k":"AQID"},"type":"Opaque"}""",
            ProtobufDecoder.Decode(Envelope("v1", "Secret", secret)).ToJsonString());
    }

    [Fact]
    public void RefusesWhatIsNoEnvelopeAndWhatHasNoProtobufForm()
    {
        Assert.Contains("6b 38 73 00", Assert.Throws<FormatException>(() => ProtobufDecoder.Decode("{}"u8)).Message);
        Assert.Contains("Widget in example.com/v1", Assert.Throws<FormatException>(() => ProtobufDecoder.Decode(Envelope("example.com/v1", "Widget", []))).Message);
    }

    [Fact]
    public void EndlessNestingIsRefusedBeforeTheStackEnds()
    {
        byte[] nested = [];
        for (var i = 0; i < 300; i++)
            nested = Message(28, nested); // not: a schema in a schema
        var crd = Message(2, Message(7, Message(4, Message(1, nested))));
        Assert.Throws<FormatException>(() => ProtobufDecoder.Decode(Envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition", crd)));
    }

    [Fact]
    public void AnyBytesAreDecodedOrRefused() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            try
            {
                ProtobufDecoder.Decode(Envelope("v1", "Pod", bytes));
            }
            catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
            {
                // Both are answered with 400.
            }
        });

    /// <summary>Every field of the OpenAPI schemas can arrive in protobuf, but for alpha fields of groups that are not served.</summary>
    [Fact]
    public void TheTableKnowsTheFieldsOfTheSchemas()
    {
        foreach (var type in WireTable.BuiltIn.Types.Where(SchemaLibrary.BuiltIn.Names.Contains).Where(t => !t.EndsWith(".JobSchedulingConfiguration", StringComparison.Ordinal)))
        {
            var known = FieldsOf(type).Append("apiVersion").Append("kind").Append("runningInUserNamespace").ToHashSet();
            Assert.Empty(SchemaLibrary.BuiltIn.Get(type).Properties.Keys.Where(k => !known.Contains(k)).Select(k => $"{type}.{k}"));
        }
    }

    private static IEnumerable<string> FieldsOf(string type) =>
        WireTable.BuiltIn.Fields(type).Values.SelectMany(f => f.Name == "." ? FieldsOf(f.Message!) : [f.Name]);

    private static byte[] Envelope(string apiVersion, string kind, byte[] raw) =>
        [0x6b, 0x38, 0x73, 0, .. Message(1, Join(Text(1, apiVersion), Text(2, kind))), .. Message(2, raw)];

    private static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(p => p)];

    private static byte[] Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Message(int field, byte[] bytes) => [.. Varint((ulong)field << 3 | 2), .. Varint((ulong)bytes.Length), .. bytes];

    private static byte[] Number(int field, ulong value) => [.. Varint((ulong)field << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
