using Weft.Sample;

// One program for all the sample's pods: `tier serve` is a tier of the application (web, api, database), `tier get`, `tier connect` and
// `tier resolve` are what a person would type in a pod to see what it can reach. See samples/README.md.
return args switch
{
    ["serve", .. var options] => await TierServer.RunAsync(options),
    ["get", var url, .. var rest] => await Client.GetAsync(url, rest),
    ["connect", .. var targets] when targets.Length > 0 => await Client.ConnectAsync(targets),
    ["resolve", .. var names] when names.Length > 0 => await Client.ResolveAsync(names),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        """
        tier serve [--port 8080,...] [--udp PORT] [--next URL]   answer with who I am and who asked; ask the next tier first
        tier get URL [COUNT]                                 fetch a URL, COUNT times (one connection each), print each answer
        tier connect HOST:PORT[/udp] ...                     try all at once; print open, refused or timeout for each
        tier resolve NAME ...                                print the addresses of each name
        """);
    return 2;
}
