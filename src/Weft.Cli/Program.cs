using System.CommandLine;
using Weft.Cli.Lab;

var root = new RootCommand("Kubernetes networking in one system.")
{
    LabCommands.Create(),
};
return await root.Parse(args).InvokeAsync();
