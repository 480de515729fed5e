namespace Weft.Drill;

/// <param name="Seed">Decides the schedule: what each attachment goes through and where agent and plugin are killed.</param>
/// <param name="Count">Attachments in all.</param>
/// <param name="Workers">Callers at once.</param>
internal sealed record DrillOptions(int Seed, int Count, int Workers);
