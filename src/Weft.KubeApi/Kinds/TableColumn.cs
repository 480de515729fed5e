using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>One column of the Table that kubectl prints (metav1.TableColumnDefinition).</summary>
/// <param name="Name">Header, such as <c>Ready</c>; the first column is <c>Name</c> with format <c>name</c>.</param>
/// <param name="Type">OpenAPI type: string, integer, number, boolean or date.</param>
/// <param name="Format">OpenAPI format or empty.</param>
/// <param name="Priority">0 is always shown, more only with <c>-o wide</c>.</param>
/// <param name="Value">The cell of an object at a point in time (ages are computed by the server).</param>
public sealed record TableColumn(
    string Name, string Type, string Format, int Priority, string Description, Func<JsonObject, DateTimeOffset, JsonNode?> Value);
