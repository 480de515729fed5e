using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>An answer, and what to do should it not reach the runtime: an ADD that nobody knows of must not hold anything.</summary>
internal sealed record CniAnswer(AgentResponse Response, Func<Task>? Undo = null);
