using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Core;

/// <summary>ConfigMaps and Secrets (pkg/apis/core/validation).</summary>
internal static class ConfigRules
{
    /// <summary>1 MiB: what etcd takes in one request, less room for metadata.</summary>
    private const int MaxBytes = 1024 * 1024;

    private const string ImmutableSet = "field is immutable when `immutable` is set";

    public static void ConfigMap(JsonObject obj, JsonObject? old, Errors errors)
    {
        long size = 0;
        foreach (var (key, value) in obj.Object("data") ?? [])
        {
            errors.Check($"data[{key}]", key, Names.ConfigKey);
            size += Encoding.UTF8.GetByteCount(value.AsText() ?? "");
            if (obj.Object("binaryData")?.ContainsKey(key) == true)
                errors.Invalid($"data[{key}]", key, "duplicate of key present in binaryData");
        }
        foreach (var (key, value) in obj.Object("binaryData") ?? [])
        {
            errors.Check($"binaryData[{key}]", key, Names.ConfigKey);
            size += Decoded(value);
        }
        if (size > MaxBytes)
            errors.Add(new FieldError("", FieldErrorReason.TooLong, $"may not be more than {MaxBytes} bytes"));
        Immutable(obj, old, ["data", "binaryData"], errors);
    }

    /// <summary>Strings of stringData go into data in base64, over what is there; a Secret without a type is Opaque.</summary>
    public static void DefaultSecret(JsonObject secret)
    {
        secret.SetDefault("type", "Opaque");
        if (secret.Object("stringData") is { } strings)
        {
            var data = secret.Ensure("data");
            foreach (var (key, value) in strings)
                data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value.AsText() ?? ""));
        }
        secret.Remove("stringData");
    }

    public static void Secret(JsonObject obj, JsonObject? old, Errors errors)
    {
        long size = 0;
        foreach (var (key, value) in obj.Object("data") ?? [])
        {
            errors.Check($"data[{key}]", key, Names.ConfigKey);
            size += Decoded(value);
        }
        if (size > MaxBytes)
            errors.Add(new FieldError("data", FieldErrorReason.TooLong, $"may not be more than {MaxBytes} bytes"));
        ByType(obj, errors);
        if (old is null)
            return;
        errors.Unchanged("type", obj["type"], old["type"]);
        Immutable(obj, old, ["data"], errors);
    }

    private static void ByType(JsonObject obj, Errors errors)
    {
        var data = obj.Object("data");
        switch (obj.Text("type"))
        {
            case "kubernetes.io/service-account-token":
                if (string.IsNullOrEmpty(obj.ObjectAt("metadata", "annotations").Text("kubernetes.io/service-account.name")))
                    errors.Required("metadata.annotations[kubernetes.io/service-account.name]");
                break;
            case "kubernetes.io/tls":
                Need(data, errors, "tls.crt", "tls.key");
                break;
            case "kubernetes.io/ssh-auth":
                Need(data, errors, "ssh-privatekey");
                break;
            case "kubernetes.io/dockerconfigjson":
                Json(data, ".dockerconfigjson", errors);
                break;
            case "kubernetes.io/dockercfg":
                Json(data, ".dockercfg", errors);
                break;
            case "kubernetes.io/basic-auth" when data?.ContainsKey("username") != true && data?.ContainsKey("password") != true:
                errors.Required("data[username]");
                errors.Required("data[password]");
                break;
        }
    }

    private static void Need(JsonObject? data, Errors errors, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (data?.ContainsKey(key) != true)
                errors.Required($"data[{key}]");
        }
    }

    private static void Json(JsonObject? data, string key, Errors errors)
    {
        if (data.Text(key) is not { } encoded)
        {
            errors.Required($"data[{key}]");
            return;
        }
        try
        {
            using var parsed = JsonDocument.Parse(Convert.FromBase64String(encoded));
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            errors.Invalid($"data[{key}]", "<secret contents redacted>", e.Message);
        }
    }

    private static int Decoded(JsonNode? base64) => (base64.AsText()?.Length ?? 0) / 4 * 3;

    private static void Immutable(JsonObject obj, JsonObject? old, ReadOnlySpan<string> fields, Errors errors)
    {
        if (old is null || !old.Flag("immutable"))
            return;
        if (!obj.Flag("immutable"))
            errors.Forbidden("immutable", ImmutableSet);
        foreach (var field in fields)
        {
            if (!Errors.Same(obj[field], old[field]))
                errors.Forbidden(field, ImmutableSet);
        }
    }
}
