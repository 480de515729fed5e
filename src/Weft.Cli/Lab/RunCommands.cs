using System.CommandLine;
using System.Diagnostics;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Lab;

/// <summary>Commands that run something against a lab: in a machine's namespaces, kubectl, a log.</summary>
internal static class RunCommands
{
    public static Command Exec()
    {
        var name = LabCommands.NameOption();
        var machine = new Argument<string>("machine") { Description = "A node, outside, or underlay" };
        var words = new Argument<string[]>("command") { Description = "What to run; a shell when absent", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("exec", "Run a command on a node or the outside host.") { name, machine, words };
        command.SetAction((parse, _) => LabCommands.GuardAsync(() =>
        {
            string[] given = parse.GetValue(words) ?? [];
            LabExec.Run(new LabPaths(Checked(parse.GetValue(name)!)), parse.GetValue(machine)!, given.Length == 0 ? ["/bin/sh"] : given);
            return Task.FromResult(1);
        }));
        return command;
    }

    public static Command Kubectl()
    {
        var name = LabCommands.NameOption();
        var words = new Argument<string[]>("arguments") { Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("kubectl", "Run kubectl against a lab: weft lab kubectl -- get pods -A") { name, words };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var start = new ProcessStartInfo("kubectl") { UseShellExecute = false };
            foreach (string word in parse.GetValue(words) ?? [])
                start.ArgumentList.Add(word);
            start.Environment["KUBECONFIG"] = ExistingKubeconfig(parse.GetValue(name)!);
            try
            {
                using var kubectl = Process.Start(start)!;
                await kubectl.WaitForExitAsync(cancel);
                return kubectl.ExitCode;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                throw new LabException("kubectl is not installed: install it, or use any Kubernetes client with the file of `weft lab kubeconfig`");
            }
        }));
        return command;
    }

    public static Command Kubeconfig()
    {
        var name = LabCommands.NameOption();
        var path = new Option<bool>("--path") { Description = "Print the file's path, not its content" };
        var command = new Command("kubeconfig", "Print a lab's kubeconfig.") { name, path };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            string file = ExistingKubeconfig(parse.GetValue(name)!);
            Console.Write(parse.GetValue(path) ? file + "\n" : await File.ReadAllTextAsync(file, cancel));
            return 0;
        }));
        return command;
    }

    public static Command Logs()
    {
        var name = LabCommands.NameOption();
        var component = new Argument<string>("component") { Description = "daemon or a node", DefaultValueFactory = _ => "daemon" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on as the log grows" };
        var tail = new Option<int>("--tail") { Description = "How many lines from the end; -1 for all", DefaultValueFactory = _ => -1 };
        var command = new Command("logs", "Show the log of a lab's daemon or of a node's agent.") { name, component, follow, tail };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var paths = new LabPaths(Checked(parse.GetValue(name)!));
            string part = parse.GetValue(component)!;
            if (part.Contains('/', StringComparison.Ordinal))
                throw new LabException($"component \"{part}\" is unknown: use daemon or a node's name");
            string file = part == "daemon" ? paths.DaemonLog : paths.AgentLog(part);
            if (!File.Exists(file))
                throw new LabException($"lab {paths.Name} has no log of \"{part}\": components are daemon and the nodes' names (weft lab status)");
            await PrintAsync(file, parse.GetValue(tail), parse.GetValue(follow), cancel);
            return 0;
        }));
        return command;
    }

    private static async Task PrintAsync(string file, int tail, bool follow, CancellationToken cancel)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        string[] lines = (await reader.ReadToEndAsync(cancel)).Split('\n');
        int end = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        for (int i = tail < 0 ? 0 : Math.Max(0, end - tail); i < end; i++)
            Console.WriteLine(lines[i]);
        while (follow && !cancel.IsCancellationRequested)
        {
            string more = await reader.ReadToEndAsync(cancel);
            Console.Write(more);
            if (more.Length == 0)
                await Task.Delay(200, cancel);
        }
    }

    private static string Checked(string name)
    {
        LabTopology.ThrowIfBadName(name);
        return name;
    }

    private static string ExistingKubeconfig(string name)
    {
        string file = new LabPaths(Checked(name)).Kubeconfig;
        return File.Exists(file) ? file : throw new LabException($"there is no lab {name}: bring it up with weft lab up --name {name}");
    }
}
