namespace Weft.Wire.Cni;

/// <summary>The CNI_ environment variables of one call (SPEC.md 1.1.0 section 2, "Parameters"), checked as the command requires.</summary>
public sealed record CniEnvironment(CniCommand Command, string ContainerId, string Netns, string InterfaceName, string Args, string Path)
{
    /// <param name="get">Reads a variable; null when it is unset.</param>
    /// <exception cref="CniException">Code 4, naming each variable that is missing or wrong.</exception>
    public static CniEnvironment Read(Func<string, string?> get)
    {
        var commandText = get("CNI_COMMAND");
        if (string.IsNullOrEmpty(commandText))
            throw Invalid("CNI_COMMAND is not set; weft-cni is run by a container runtime, which sets it to ADD, DEL, CHECK, GC, STATUS or VERSION");
        if (!CniCommands.TryParse(commandText, out var command))
            throw Invalid($"CNI_COMMAND: '{JsonFields.Shorten(commandText)}' is not known; known are ADD, DEL, CHECK, GC, STATUS and VERSION");
        var environment = new CniEnvironment(
            command,
            get("CNI_CONTAINERID") ?? "",
            get("CNI_NETNS") ?? "",
            get("CNI_IFNAME") ?? "",
            get("CNI_ARGS") ?? "",
            get("CNI_PATH") ?? "");
        environment.Validate();
        return environment;
    }

    /// <summary>Checks what the command needs: the agent calls it again, since anyone with root may speak to its socket.</summary>
    /// <exception cref="CniException">Code 4.</exception>
    public void Validate()
    {
        if (Command is not (CniCommand.Add or CniCommand.Del or CniCommand.Check))
            return;
        var problems = new List<string>();
        Check("CNI_CONTAINERID", ContainerId, CniNames.CheckContainerId, required: true);
        Check("CNI_IFNAME", InterfaceName, CniNames.CheckInterfaceName, required: true);
        // DEL may come after the namespace has gone, without CNI_NETNS (SPEC.md section 2, "DEL").
        Check("CNI_NETNS", Netns, CniNames.CheckNetns, required: Command != CniCommand.Del);
        if (problems.Count > 0)
            throw Invalid($"{Command.Text()}: {string.Join("; ", problems)}");
        if (Command == CniCommand.Add)
            CniArguments.Parse(Args);

        void Check(string name, string value, Func<string, string?> check, bool required)
        {
            if (value.Length == 0)
            {
                if (required)
                    problems.Add($"{name} is not set");
            }
            else if (check(value) is { } problem)
            {
                problems.Add($"{name} {problem}");
            }
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidEnvironment, message);
}
