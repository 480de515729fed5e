// Writes src/Weft.KubeApi/Kinds/Schemas/definitions.txt: one line a type, `name {OpenAPI v3 schema}`, sorted by name.
// Shapes and descriptions come from the official C# client's model types, which carry no word on list types, merge keys,
// enumerations and defaults: those are in annotations.txt beside this file.
//
//     dotnet run --project tools/SchemaGen
//
// With a directory it writes Schemas/wire.txt instead, the field numbers of the protobuf form (see WireTable.cs):
//
//     dotnet run --project tools/SchemaGen -- DIRECTORY
using Weft.Tools.SchemaGen;

var root = FindRoot();
if (args is [var sources])
{
    File.WriteAllLines(Path.Combine(root, "src/Weft.KubeApi/Kinds/Schemas/wire.txt"), WireTable.Read(sources));
    return 0;
}
var annotations = Annotations.Read(Path.Combine(AppContext.BaseDirectory, "annotations.txt"));
var definitions = new DefinitionBuilder(annotations, Descriptions.OfKubernetesClient()).Build();
foreach (var unused in annotations.Unused())
    Console.Error.WriteLine($"annotations.txt: no such type or field: {unused}");

var target = Path.Combine(root, "src/Weft.KubeApi/Kinds/Schemas/definitions.txt");
Directory.CreateDirectory(Path.GetDirectoryName(target)!);
File.WriteAllLines(target, definitions.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key} {d.Value.ToJsonString(DefinitionBuilder.Json)}"));
Console.WriteLine($"{definitions.Count} definitions, {new FileInfo(target).Length / 1024} KiB");
return annotations.Unused().Any() ? 1 : 0;

static string FindRoot()
{
    for (var dir = new DirectoryInfo(AppContext.BaseDirectory); dir is not null; dir = dir.Parent)
    {
        if (File.Exists(Path.Combine(dir.FullName, "Weft.slnx")))
            return dir.FullName;
    }
    throw new InvalidOperationException("Weft.slnx not found above " + AppContext.BaseDirectory);
}
