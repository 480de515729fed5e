using Microsoft.Win32.SafeHandles;
using Weft.Cni;

// Bare descriptors, not Console, whose encodings and terminal handling this program does not need.
using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
return new Plugin(Environment.GetEnvironmentVariable, AgentConnection.Exchange).Run(input, output);
