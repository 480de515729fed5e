using System.CommandLine;
using Weft.Lab.Daemon;

namespace Weft.Cli.Lab;

internal static class DownCommand
{
    public static Command Create()
    {
        var name = LabCommands.NameOption();
        var all = new Option<bool>("--all") { Description = "Take every lab down" };
        var command = new Command("down", "Take a lab down and leave nothing of it, whatever state it is in.") { name, all };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var names = parse.GetValue(all)
                ? (await LabManager.ListAsync(cancel)).Select(l => l.Name).ToList()
                : [parse.GetValue(name)!];
            foreach (string lab in names)
                Console.WriteLine(LabManager.Down(lab) ? $"lab {lab} is down" : $"there is no lab {lab}");
            return 0;
        }));
        return command;
    }
}
