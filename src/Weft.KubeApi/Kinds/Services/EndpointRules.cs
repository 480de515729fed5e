using System.Net;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>Validation of Endpoints and EndpointSlices (pkg/apis/core/validation, pkg/apis/discovery/validation).</summary>
internal static class EndpointRules
{
    private const int MaxEndpoints = 1000;
    private const int MaxPorts = 20_000;
    private const int MaxAddresses = 100;

    public static void Endpoints(JsonObject endpoints, JsonObject? old, Errors errors)
    {
        foreach (var (i, subset) in endpoints.Items("subsets"))
        {
            var path = $"subsets[{i}]";
            if (subset.Array("addresses") is not { Count: > 0 } && subset.Array("notReadyAddresses") is not { Count: > 0 })
                errors.Required(path, "must specify `addresses` or `notReadyAddresses`");
            foreach (var field in (ReadOnlySpan<string>)["addresses", "notReadyAddresses"])
            {
                foreach (var (j, address) in subset.Items(field))
                {
                    Address(address.Text("ip"), $"{path}.{field}[{j}].ip", errors);
                    errors.Check($"{path}.{field}[{j}].hostname", address.Text("hostname") is { Length: > 0 } name ? name : null, Names.Dns1123Label);
                }
            }
            var many = (subset.Array("ports")?.Count ?? 0) > 1;
            foreach (var (j, port) in subset.Items("ports"))
            {
                if (port.Text("name") is { Length: > 0 } name)
                    errors.Check($"{path}.ports[{j}].name", name, Names.Dns1123Label);
                else if (many)
                    errors.Required($"{path}.ports[{j}].name");
                errors.Port($"{path}.ports[{j}].port", port.Integer("port"));
            }
        }
    }

    public static void EndpointSlice(JsonObject slice, JsonObject? old, Errors errors)
    {
        var type = slice.Text("addressType");
        if (slice.Array("endpoints") is { Count: > MaxEndpoints } endpoints)
            errors.Add(new FieldError("endpoints", FieldErrorReason.TooMany, $"{endpoints.Count}: must have at most {MaxEndpoints} items"));
        foreach (var (i, endpoint) in slice.Items("endpoints"))
            Endpoint(endpoint, type, $"endpoints[{i}]", errors);
        SlicePorts(slice, errors);
        if (old is not null)
            errors.Unchanged("addressType", slice["addressType"], old["addressType"]);
    }

    private static void Endpoint(JsonObject endpoint, string? type, string path, Errors errors)
    {
        var addresses = endpoint.Texts("addresses").ToList();
        if (addresses.Count > MaxAddresses)
            errors.Add(new FieldError(path + ".addresses", FieldErrorReason.TooMany, $"{addresses.Count}: must have at most {MaxAddresses} items"));
        for (var i = 0; i < addresses.Count; i++)
        {
            var at = $"{path}.addresses[{i}]";
            if (type == "FQDN")
                errors.Check(at, addresses[i], Names.Dns1123Subdomain);
            else if (!Names.TryIp(addresses[i], out var ip) || Names.Family(ip) != type)
                errors.Invalid(at, addresses[i], $"must be a valid {type} address");
            else
                Address(addresses[i], at, errors);
        }
        errors.Check(path + ".hostname", endpoint.Text("hostname") is { Length: > 0 } name ? name : null, Names.Dns1123Label);
        if (endpoint.Text("nodeName") is { } node)
            errors.Check(path + ".nodeName", node, Names.Dns1123Subdomain);
    }

    private static void SlicePorts(JsonObject slice, Errors errors)
    {
        if (slice.Array("ports") is { Count: > MaxPorts } ports)
            errors.Add(new FieldError("ports", FieldErrorReason.TooMany, $"{ports.Count}: must have at most {MaxPorts} items"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, port) in slice.Items("ports"))
        {
            var name = port.Text("name") ?? "";
            if (name.Length > 0)
                errors.Check($"ports[{i}].name", name, Names.Dns1123Label);
            if (!names.Add(name))
                errors.Duplicate($"ports[{i}].name", name);
            if (port.Text("protocol") is { } protocol and not ("TCP" or "UDP" or "SCTP"))
                errors.Add(FieldError.NotSupported($"ports[{i}].protocol", protocol, "SCTP", "TCP", "UDP"));
            if (port.Integer("port") is { } number)
                errors.Port($"ports[{i}].port", number);
        }
    }

    /// <summary>Endpoints must not lead back into the node or out by multicast.</summary>
    private static void Address(string? text, string path, Errors errors)
    {
        if (string.IsNullOrEmpty(text))
            return; // required: reported by the schema
        if (!Names.TryIp(text, out var ip))
        {
            errors.Invalid(path, text, Names.BadIp);
            return;
        }
        var wrong = ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any) ? $"may not be unspecified ({text})"
            : IPAddress.IsLoopback(ip) ? "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            : IsLinkLocal(ip) ? "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
            : IsLinkLocalMulticast(ip) ? "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
            : null;
        if (wrong is not null)
            errors.Invalid(path, text, wrong);
    }

    private static bool IsLinkLocal(IPAddress ip) => ip.IsIPv6LinkLocal || ip.GetAddressBytes() is [169, 254, _, _];

    private static bool IsLinkLocalMulticast(IPAddress ip) => ip.GetAddressBytes() is [224, 0, 0, _] or [0xff, 0x02, ..];
}
