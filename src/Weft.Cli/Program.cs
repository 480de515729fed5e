using System.CommandLine;
using Weft.Cli.Check;
using Weft.Cli.Demo;
using Weft.Cli.Ipam;
using Weft.Cli.Lab;
using Weft.Cli.Show;

// Every container start passes through here: no command tree is built for it.
if (args is ["lab", "exec-container", var specification])
    return ServeCommands.ExecContainer(specification);

var root = new RootCommand("Kubernetes networking in one system.")
{
    LabCommands.Create(),
    ShowCommand.Create(),
    CheckCommand.Create(),
    IpamCommand.Create(),
    DemoCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
