using Weft.Cni;

// Console's streams and no more of Console. A FileStream would not do: on a regular file it writes at a position of its own, over what
// others who share the descriptor have written.
using var input = Console.OpenStandardInput();
using var output = Console.OpenStandardOutput();
return new Plugin(Environment.GetEnvironmentVariable, AgentConnection.Exchange, Plugin.IsIpam(Environment.GetCommandLineArgs()[0])).Run(input, output);
