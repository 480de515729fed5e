using Weft.Kernel.Processes;

namespace Weft.Kernel.Tests;

public sealed class PrivateRootTests
{
    [Fact]
    public void Links_on_the_way_are_followed_wherever_they_lead()
    {
        var directory = Directory.CreateTempSubdirectory("weft-resolve-").FullName;
        try
        {
            Directory.CreateDirectory($"{directory}/real/deep");
            File.CreateSymbolicLink($"{directory}/absolute", $"{directory}/real");
            File.CreateSymbolicLink($"{directory}/relative", "real/./deep");
            File.CreateSymbolicLink($"{directory}/real/up", "..");
            Assert.Equal($"{directory}/real/missing/x", PrivateRoot.Resolve($"{directory}/absolute/missing/x"));
            Assert.Equal($"{directory}/real/deep/x", PrivateRoot.Resolve($"{directory}/relative/x"));
            Assert.Equal($"{directory}/real/x", PrivateRoot.Resolve($"{directory}/absolute/up/real//x"));
            Assert.Equal("/", PrivateRoot.Resolve("/.."));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
