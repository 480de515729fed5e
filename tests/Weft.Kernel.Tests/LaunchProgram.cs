using Weft.Kernel.Processes;

namespace Weft.Kernel.Tests;

/// <summary>
/// What the test's assembly does when it is run instead of tested: become the container of a specification, because
/// <see cref="ContainerLauncher"/> never returns.
/// </summary>
internal static class LaunchProgram
{
    private static int Main(string[] arguments)
    {
        try
        {
            ContainerLauncher.Exec(ContainerSpec.Parse(File.ReadAllText(arguments[0])));
            return 0;
        }
        catch (KernelException e)
        {
            Console.Error.WriteLine(e.Message);
            return 126;
        }
    }
}
