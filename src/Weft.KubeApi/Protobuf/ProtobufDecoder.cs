using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Protobuf;

/// <summary>
/// From the protobuf form of an object, which kubectl's typed clients send, to the JSON form that the server works with. The envelope is
/// four magic bytes and a runtime.Unknown (k8s.io/apimachinery/pkg/runtime/serializer/protobuf).
/// </summary>
internal static class ProtobufDecoder
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";

    private const int MaxDepth = 128;
    private const string SchemaProps = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

    private static ReadOnlySpan<byte> Magic => [0x6b, 0x38, 0x73, 0x00];

    /// <exception cref="FormatException">Not the envelope, a kind that has no protobuf form here, or a broken message.</exception>
    public static JsonObject Decode(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Magic))
            throw new FormatException("protobuf: the body does not start with the bytes 6b 38 73 00");
        var (apiVersion, kind) = ("", "");
        ReadOnlySpan<byte> raw = default;
        for (var envelope = new ProtobufReader(body[Magic.Length..]); envelope.Next();)
        {
            if (envelope.Field == 1)
            {
                for (var meta = new ProtobufReader(envelope.Bytes); meta.Next();)
                {
                    if (meta.Field == 1)
                        apiVersion = Encoding.UTF8.GetString(meta.Bytes);
                    else if (meta.Field == 2)
                        kind = Encoding.UTF8.GetString(meta.Bytes);
                }
            }
            else if (envelope.Field == 2)
            {
                raw = envelope.Bytes;
            }
        }
        var type = TypeOf(apiVersion, kind);
        if (!WireTable.BuiltIn.Contains(type))
            throw new FormatException($"protobuf: no field numbers are known for {kind} in {apiVersion}; send JSON");
        var result = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        Message(raw, type, result, 0);
        return result;
    }

    /// <summary>networking.k8s.io/v1beta1 has the same fields as v1: the table knows one version of each type.</summary>
    private static string TypeOf(string apiVersion, string kind)
    {
        var slash = apiVersion.IndexOf('/');
        var group = slash < 0 ? "core" : apiVersion[..slash];
        if (kind == "DeleteOptions")
            return "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
        return group == "apiextensions.k8s.io"
            ? $"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.{kind}"
            : $"io.k8s.api.{group.Split('.')[0]}.v1.{kind}";
    }

    private static void Message(ReadOnlySpan<byte> bytes, string type, JsonObject target, int depth)
    {
        // A schema may hold itself without end, and the stack has one.
        if (depth > MaxDepth)
            throw new FormatException($"protobuf: messages are nested more than {MaxDepth} deep");
        var fields = WireTable.BuiltIn.Fields(type);
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (!fields.TryGetValue(reader.Field, out var field))
                continue; // newer than the table, as an older server would see it
            if (field.Name == ".")
                Message(reader.Bytes, field.Message!, target, depth + 1);
            else if (field.Map)
                Entry(reader.Bytes, field, Json.Child(target, field.Name), depth);
            else if (field.List)
                Append(target, field.Name, Value(ref reader, field, depth));
            else if (Value(ref reader, field, depth) is { } value && (field.Pointer || field.Always || !IsZero(value)))
                target[field.Name] = value;
        }
    }

    private static void Append(JsonObject target, string name, JsonNode? item)
    {
        if (target[name] is not JsonArray list)
            target[name] = list = [];
        list.Add(item);
    }

    /// <summary>An entry of a map is a message of key and value.</summary>
    private static void Entry(ReadOnlySpan<byte> bytes, WireField field, JsonObject target, int depth)
    {
        var key = "";
        JsonNode? value = field.Kind switch { WireKind.Text or WireKind.Bytes => "", WireKind.Message => new JsonObject(), _ => null };
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (reader.Field == 1)
                key = Encoding.UTF8.GetString(reader.Bytes);
            else if (reader.Field == 2)
                value = field.MapOfLists ? Texts(reader.Bytes, 1) : Value(ref reader, field, depth);
        }
        target[key] = value;
    }

    private static JsonNode? Value(ref ProtobufReader reader, WireField field, int depth)
    {
        switch (field.Kind)
        {
            case WireKind.Text:
                return Encoding.UTF8.GetString(reader.Bytes);
            case WireKind.Bytes:
                return Convert.ToBase64String(reader.Bytes);
            case WireKind.Integer:
                return (long)reader.Number;
            case WireKind.Flag:
                return reader.Number != 0;
            case WireKind.Double:
                return BitConverter.UInt64BitsToDouble(reader.Number);
            case WireKind.Time:
                return Time(reader.Bytes, "yyyy-MM-dd'T'HH:mm:ss'Z'");
            case WireKind.MicroTime:
                return Time(reader.Bytes, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");
            case WireKind.Quantity:
                return Text(reader.Bytes, 1);
            case WireKind.IntOrString:
                return IntOrString(reader.Bytes);
            case WireKind.RawJson:
                return RawJson(reader.Bytes);
            case WireKind.SchemaOrArray:
                return SchemaUnion(reader.Bytes, many: true, depth);
            case WireKind.SchemaOrBool:
                return SchemaUnion(reader.Bytes, many: false, depth);
            case WireKind.SchemaOrTexts:
                return Texts(reader.Bytes, 2) is { Count: > 0 } texts ? texts : SchemaUnion(reader.Bytes, many: true, depth);
            default:
                var message = new JsonObject();
                Message(reader.Bytes, field.Message!, message, depth + 1);
                return message;
        }
    }

    /// <summary>Go writes fields that were never set; in JSON its encoder leaves them out, messages excepted.</summary>
    private static bool IsZero(JsonNode value) => value switch
    {
        JsonValue scalar when scalar.TryGetValue<string>(out var text) => text.Length == 0,
        JsonValue scalar when scalar.TryGetValue<long>(out var number) => number == 0,
        JsonValue scalar when scalar.TryGetValue<bool>(out var flag) => !flag,
        JsonValue scalar when scalar.TryGetValue<double>(out var number) => number == 0,
        _ => false,
    };

    private static string? Text(ReadOnlySpan<byte> bytes, int field)
    {
        string? text = null;
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (reader.Field == field)
                text = Encoding.UTF8.GetString(reader.Bytes);
        }
        return text;
    }

    private static JsonArray Texts(ReadOnlySpan<byte> bytes, int field)
    {
        var texts = new JsonArray();
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (reader.Field == field)
                texts.Add((JsonNode)Encoding.UTF8.GetString(reader.Bytes));
        }
        return texts;
    }

    /// <summary>Seconds and nanoseconds since 1970; an empty message is Go's zero time, which JSON shows as null.</summary>
    private static JsonNode? Time(ReadOnlySpan<byte> bytes, string format)
    {
        if (bytes.IsEmpty)
            return null;
        long seconds = 0, nanos = 0;
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (reader.Field == 1)
                seconds = (long)reader.Number;
            else if (reader.Field == 2)
                nanos = (long)reader.Number;
        }
        if (seconds is < -62135596800 or > 253402300799 || nanos is < 0 or > 999_999_999)
            throw new FormatException($"protobuf: {seconds} seconds and {nanos} nanoseconds are no time");
        return DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddTicks(nanos / 100).UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
    }

    private static JsonNode IntOrString(ReadOnlySpan<byte> bytes)
    {
        long type = 0, number = 0;
        var text = "";
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            switch (reader.Field)
            {
                case 1:
                    type = (long)reader.Number;
                    break;
                case 2:
                    number = (long)reader.Number;
                    break;
                case 3:
                    text = Encoding.UTF8.GetString(reader.Bytes);
                    break;
            }
        }
        return type == 0 ? number : text;
    }

    private static JsonNode? RawJson(ReadOnlySpan<byte> bytes)
    {
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (reader.Field == 1)
                return Json.Parse(reader.Bytes);
        }
        return null;
    }

    /// <summary>A schema or several (field 1, then 2), or a schema with a flag that stands for it (fields 2 and 1).</summary>
    private static JsonNode? SchemaUnion(ReadOnlySpan<byte> bytes, bool many, int depth)
    {
        JsonNode? result = null;
        var list = new JsonArray();
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            if (!many && reader.Field == 1)
            {
                result ??= reader.Number != 0;
                continue;
            }
            var schema = new JsonObject();
            Message(reader.Bytes, SchemaProps, schema, depth + 1);
            if (many && reader.Field == 2)
                list.Add((JsonNode)schema);
            else
                result = schema;
        }
        return list.Count > 0 ? list : result;
    }
}
