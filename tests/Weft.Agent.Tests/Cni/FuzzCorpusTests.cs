using System.Text;
using Weft.Fuzz;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

/// <summary>The fuzzer's targets on all that it has found so far, and on changed copies of it; the fuzzer itself is <c>make fuzz</c>.</summary>
public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_passes(string target)
    {
        foreach (var (name, bytes) in Corpus(target))
            Run(target, bytes, name);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Thousands_of_its_mutations_pass(string target)
    {
        var corpus = Corpus(target).Select(c => c.Bytes).ToList();
        var number = 0;
        foreach (var input in Mutations.Of(corpus, seed: 1, count: 5000))
            Run(target, input, $"mutation {number++}");
    }

    // Longest inputs of the shapes that make readers build the most: memory may grow with the input, and no faster.
    [Theory]
    [InlineData("\"args\":[", "1,", "1]")]
    [InlineData("\"args\":{\"a\":[", "[],", "[]]}")]
    [InlineData("\"dns\":{\"search\":[", "\"a\",", "\"a\"]}")]
    [InlineData("\"prevResult\":{\"interfaces\":[", "{\"name\":\"a\"},", "{\"name\":\"a\"}]}")]
    [InlineData("\"prevResult\":{\"ips\":[", "{\"address\":\"1.1.1.1/8\"},", "{\"address\":\"1.1.1.1/8\"}]}")]
    [InlineData("\"runtimeConfig\":{\"aliases\":[", "\"a\",", "\"a\"]}")]
    [InlineData("\"runtimeConfig\":{\"ips\":[", "\"::1\",", "\"::1\"]}")]
    [InlineData("\"cni.dev/valid-attachments\":[", "{\"containerID\":\"a\",\"ifname\":\"b\"},", "{\"containerID\":\"a\",\"ifname\":\"b\"}]")]
    [InlineData("\"unknown\":\"", "xxxxxxxx", "\"")]
    public void Reading_takes_memory_in_proportion_to_the_input(string before, string repeated, string after)
    {
        var (small, large) = (Allocated(before, repeated, after, 16_000), Allocated(before, repeated, after, 1_000_000));
        const long perByte = 120;
        Assert.True(small < 16_000 * perByte + 1_000_000, $"{small} bytes for an input of 16,000");
        Assert.True(large < 1_000_000 * perByte + 1_000_000, $"{large} bytes for an input of 1,000,000");
    }

    private static long Allocated(string before, string repeated, string after, int length)
    {
        var text = new StringBuilder("{\"cniVersion\":\"1.1.0\",\"name\":\"n\",\"type\":\"t\",").Append(before);
        while (text.Length < length)
            text.Append(repeated);
        var bytes = Encoding.UTF8.GetBytes(text.Append(after).Append('}').ToString());
        var start = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            CniConfigurationReader.Read(bytes);
        }
        catch (CniException)
        {
            // What is refused takes memory as well.
        }
        return GC.GetAllocatedBytesForCurrentThread() - start;
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Corpus(string target)
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "corpus", target)).Order(StringComparer.Ordinal).ToList();
        Assert.NotEmpty(files);
        return files.Select(f => (Path.GetFileName(f), File.ReadAllBytes(f)));
    }

    private static void Run(string target, byte[] bytes, string name)
    {
        try
        {
            FuzzTargets.All[target](bytes);
        }
        catch (Exception e)
        {
            Assert.Fail($"{target}, {name}: {e}\n{Convert.ToBase64String(bytes)}");
        }
    }
}
