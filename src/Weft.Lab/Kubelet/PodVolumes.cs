using System.Text;
using System.Text.Json.Nodes;
using Weft.Kernel.Processes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>
/// A pod's volumes as directories on this machine: emptyDir, configMap, secret, downwardAPI, projected and hostPath. Their contents are
/// shown to containers by bind mounts.
/// </summary>
/// <param name="tokens">Issues a service account token: namespace, name.</param>
internal sealed class PodVolumes(string directory, Func<string, string, string> tokens)
{
    /// <summary>Makes or refreshes every volume of a pod.</summary>
    /// <exception cref="ContainerConfigException">A volume's source is missing or of a kind the lab has not.</exception>
    public void Prepare(PodContext context)
    {
        foreach (var volume in context.Pod.Items("spec", "volumes"))
            Prepare(volume, context);
    }

    /// <summary>The mounts of one container.</summary>
    /// <exception cref="ContainerConfigException">A mount names no volume of the pod.</exception>
    public IReadOnlyList<ContainerMount> MountsOf(JsonObject container, JsonObject pod, IReadOnlyDictionary<string, string> environment)
    {
        var mounts = new List<ContainerMount>();
        foreach (var mount in container.Items("volumeMounts"))
        {
            string name = mount.Str("name") ?? "";
            var volume = pod.Items("spec", "volumes").FirstOrDefault(v => v.Str("name") == name)
                ?? throw new ContainerConfigException($"volumeMounts: pod has no volume \"{name}\"");
            string source = SourceOf(volume);
            string sub = mount.Str("subPathExpr") is { } expression ? PodEnvironment.Expand(expression, environment) : mount.Str("subPath") ?? "";
            if (sub.Split('/').Contains(".."))
                throw new ContainerConfigException($"volumeMounts: subPath \"{sub}\" must not contain '..'");
            if (sub.Length > 0)
            {
                source = Path.Combine(source, sub.TrimStart('/'));
                if (!Path.Exists(source))
                    Directory.CreateDirectory(source);
            }

            bool generated = volume["emptyDir"] is null && volume["hostPath"] is null;
            mounts.Add(new ContainerMount(source, (mount.Str("mountPath") ?? "/").TrimEnd('/'), mount.Flag("readOnly") || generated));
        }

        return mounts;
    }

    private string SourceOf(JsonObject volume) => volume.Str("hostPath", "path") ?? Path.Combine(directory, volume.Str("name") ?? "");

    private void Prepare(JsonObject volume, PodContext context)
    {
        if (volume.Obj("hostPath") is { } host)
        {
            PrepareHostPath(host);
            return;
        }

        string path = SourceOf(volume);
        bool isNew = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        if (volume["emptyDir"] is not null)
        {
            if (isNew)
                File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
            return;
        }

        var files = new Dictionary<string, FileContent>(StringComparer.Ordinal);
        if (volume.Obj("configMap") is { } map)
            AddKeyed(files, map, map.Str("name"), isSecret: false, context, map.Int(420, "defaultMode"));
        else if (volume.Obj("secret") is { } secret)
            AddKeyed(files, secret, secret.Str("secretName"), isSecret: true, context, secret.Int(420, "defaultMode"));
        else if (volume.Obj("downwardAPI") is { } downward)
            AddDownward(files, downward, context, downward.Int(420, "defaultMode"));
        else if (volume.Obj("projected") is { } projected)
            AddProjected(files, projected, context);
        else
            throw new ContainerConfigException($"volume \"{volume.Str("name")}\" is of a kind that the lab does not have; use emptyDir, configMap, secret, downwardAPI, projected or hostPath");
        Write(path, files);
    }

    private static void PrepareHostPath(JsonObject host)
    {
        string path = host.Str("path") ?? "/";
        switch (host.Str("type"))
        {
            case "DirectoryOrCreate":
                Directory.CreateDirectory(path);
                break;
            case "FileOrCreate":
                if (!File.Exists(path))
                    File.Create(path).Dispose();
                break;
            case "Directory" when !Directory.Exists(path):
            case "File" when !File.Exists(path):
                throw new ContainerConfigException($"hostPath {path} is not a {host.Str("type")}");
            default:
                if (!Path.Exists(path))
                    Directory.CreateDirectory(path);
                break;
        }
    }

    private sealed record FileContent(byte[] Bytes, int Mode);

    private static void AddKeyed(
        Dictionary<string, FileContent> files, JsonObject source, string? name, bool isSecret, PodContext context, int mode)
    {
        var found = (isSecret ? context.Secrets : context.ConfigMaps).Get(context.Pod.Namespace(), name ?? "");
        if (found is null)
        {
            if (source.Flag("optional"))
                return;
            throw new ContainerConfigException($"{(isSecret ? "secret" : "configmap")} \"{name}\" not found in namespace {context.Pod.Namespace()}");
        }

        var data = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (key, value) in found.StringMap("data"))
            data[key] = isSecret ? Convert.FromBase64String(value) : Encoding.UTF8.GetBytes(value);
        foreach (var (key, value) in found.StringMap("binaryData"))
            data[key] = Convert.FromBase64String(value);
        if (source["items"] is null)
        {
            foreach (var (key, value) in data)
                files[key] = new FileContent(value, mode);
            return;
        }

        foreach (var item in source.Items("items"))
        {
            string key = item.Str("key") ?? "";
            if (data.TryGetValue(key, out var value))
                files[item.Str("path") ?? key] = new FileContent(value, item.Int(mode, "mode"));
            else if (!source.Flag("optional"))
                throw new ContainerConfigException($"{(isSecret ? "secret" : "configmap")} {name} has no key \"{key}\"");
        }
    }

    private static void AddDownward(Dictionary<string, FileContent> files, JsonObject source, PodContext context, int mode)
    {
        foreach (var item in source.Items("items"))
        {
            string text = item.Obj("fieldRef") is { } field
                ? PodEnvironment.Field(field.Str("fieldPath") ?? "", context)
                : PodEnvironment.ResourceField(item.Obj("resourceFieldRef") ?? [], [], context.Pod);
            files[item.Str("path") ?? ""] = new FileContent(Encoding.UTF8.GetBytes(text), item.Int(mode, "mode"));
        }
    }

    private void AddProjected(Dictionary<string, FileContent> files, JsonObject projected, PodContext context)
    {
        int mode = projected.Int(420, "defaultMode");
        foreach (var source in projected.Items("sources"))
        {
            if (source.Obj("configMap") is { } map)
                AddKeyed(files, map, map.Str("name"), isSecret: false, context, mode);
            if (source.Obj("secret") is { } secret)
                AddKeyed(files, secret, secret.Str("name"), isSecret: true, context, mode);
            if (source.Obj("downwardAPI") is { } downward)
                AddDownward(files, downward, context, mode);
            if (source.Obj("serviceAccountToken") is { } token)
            {
                string account = context.Pod.Str("spec", "serviceAccountName") ?? "default";
                files[token.Str("path") ?? "token"] = new FileContent(Encoding.UTF8.GetBytes(tokens(context.Pod.Namespace(), account)), mode);
            }
        }
    }

    /// <summary>Replaces files one by one by renaming, so that a reader never sees half of one, and removes those that went.</summary>
    private static void Write(string path, Dictionary<string, FileContent> files)
    {
        foreach (var (name, content) in files)
        {
            string file = Path.Combine(path, name);
            if (!Path.GetFullPath(file).StartsWith(path + "/", StringComparison.Ordinal))
                throw new ContainerConfigException($"volume path \"{name}\" leads out of the volume");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            if (File.Exists(file) && File.ReadAllBytes(file).AsSpan().SequenceEqual(content.Bytes))
                continue;
            string next = file + ".weft-new";
            File.WriteAllBytes(next, content.Bytes);
            File.SetUnixFileMode(next, (UnixFileMode)(content.Mode & 0x1FF));
            File.Move(next, file, overwrite: true);
        }

        foreach (string file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).ToList())
        {
            if (!files.ContainsKey(Path.GetRelativePath(path, file)))
                File.Delete(file);
        }
    }
}
