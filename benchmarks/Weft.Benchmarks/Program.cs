using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Benchmarks;

// Runs every benchmark, or those whose names contain an argument; prints a table and writes out/bench.json.
const int Runs = 5;
(string Name, Func<IEnumerable<Figure>> Run)[] benches =
[
    ("nft", () => NftLoad.Run(Runs)),
    ("labup", () => LabUpBench.Run(Runs)),
    ("cni", () => CniAddBench.Run(Runs)),
    ("policy", () => PolicyBench.Run(Runs)),
    ("datapath", () => DatapathBench.Run(Runs)),
    ("services", () => ScaleBench.ColdLoad(Runs)),
    ("memory", () => ScaleBench.Memory(Runs)),
];
var wanted = args.Where(a => !a.StartsWith("--", StringComparison.Ordinal)).ToList();
var output = args.FirstOrDefault(a => a.StartsWith("--output=", StringComparison.Ordinal))?["--output=".Length..] ?? "out/bench.json";
var figures = new List<Figure>();
var broken = false;
foreach (var (name, run) in benches.Where(b => wanted.Count == 0 || wanted.Any(w => b.Name.Contains(w, StringComparison.Ordinal))))
{
    try
    {
        foreach (var figure in run())
        {
            figures.Add(figure);
            Console.WriteLine(figure);
        }
    }
    catch (Exception e)
    {
        broken = true;
        Console.Error.WriteLine($"{name}: {e.Message}");
    }
}
File.WriteAllText(output, new JsonArray([.. figures.Select(f => (JsonNode)f.ToJson())]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
Console.WriteLine($"{figures.Count(f => f.Passed)} of {figures.Count} bars passed; {output} has the figures");
return broken || figures.Any(f => !f.Passed) ? 1 : 0;
