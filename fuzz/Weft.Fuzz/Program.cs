using System.Globalization;
using SharpFuzz;
using Weft.Fuzz;

// weft-fuzz TARGET                     one process of afl-fuzz, which scripts/fuzz.sh starts
// weft-fuzz TARGET FILE...             runs the files, to see what one of them does
// weft-fuzz TARGET mutate SECONDS DIR  mutates the files of a directory without looking at coverage
if (args.Length == 0 || !FuzzTargets.All.TryGetValue(args[0], out var target))
{
    Console.Error.WriteLine($"usage: weft-fuzz TARGET [FILE... | mutate SECONDS DIRECTORY]; targets are {string.Join(", ", FuzzTargets.All.Keys)}");
    return 2;
}
switch (args)
{
    case [_]:
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            target(copy.ToArray());
        });
        return 0;
    case [_, "mutate", var seconds, var directory]:
        var until = DateTime.UtcNow.AddSeconds(double.Parse(seconds, CultureInfo.InvariantCulture));
        var corpus = Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();
        var runs = 0L;
        for (var seed = Environment.TickCount; DateTime.UtcNow < until; seed++)
        {
            foreach (var input in Mutations.Of(corpus, seed, 1000))
            {
                try
                {
                    target(input);
                }
                catch
                {
                    File.WriteAllBytes($"crash-{args[0]}-{seed}", input);
                    throw;
                }
                runs++;
            }
        }
        Console.WriteLine($"{runs} runs");
        return 0;
    default:
        foreach (var file in args[1..])
            target(File.ReadAllBytes(file));
        return 0;
}
