using System.CommandLine;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;

namespace Weft.Cli.Lab;

/// <summary>Hidden commands: what the lab starts this program as.</summary>
internal static class ServeCommands
{
    public static Command Serve()
    {
        var name = LabCommands.NameOption();
        var command = new Command("serve", "The lab's daemon.") { name };
        command.Hidden = true;
        command.SetAction((parse, _) => LabCommands.GuardAsync(() => LabDaemon.RunAsync(parse.GetValue(name)!)));
        return command;
    }

    /// <summary>Becomes a container's command; see <see cref="ContainerProcess"/>.</summary>
    public static Command ExecContainer()
    {
        var file = new Argument<string>("spec") { Description = "File with the container's specification" };
        var command = new Command("exec-container", "Become a container.") { file };
        command.Hidden = true;
        command.SetAction(parse => ExecContainer(parse.GetValue(file)!));
        return command;
    }

    /// <summary>Returns only when the command cannot be started.</summary>
    public static int ExecContainer(string file)
    {
        try
        {
            string text = File.ReadAllText(file);
            File.Delete(file);
            ContainerLauncher.Exec(ContainerSpec.Parse(text));
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(ContainerProcess.ErrorPrefix + e.Message);
        }

        return ContainerProcess.CannotStart;
    }
}
