using System.CommandLine;
using Weft.Cli.Lab;

// Every container start passes through here: no command tree is built for it.
if (args is ["lab", "exec-container", var specification])
    return ServeCommands.ExecContainer(specification);

var root = new RootCommand("Kubernetes networking in one system.")
{
    LabCommands.Create(),
};
return await root.Parse(args).InvokeAsync();
