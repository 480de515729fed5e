using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Runtimes.Tests.Support;

/// <summary>An OCI image (image-spec 1.0) made of Debian's busybox-static alone, as a tarball that runtimes import: nothing is pulled.</summary>
internal static class BusyboxImage
{
    public const string Name = "weft.test/busybox:1";
    public const string Busybox = "/bin/busybox";

    private static readonly string[] Applets = ["sh", "sleep", "nc", "wget", "ip", "cat", "httpd", "ping", "ls", "echo", "mkdir", "nslookup"];

    public static void Write(string path)
    {
        var layer = Layer();
        var config = Bytes(new JsonObject
        {
            ["architecture"] = Architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray("sleep", "3600"), ["Env"] = new JsonArray("PATH=/bin") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(Digest(layer)) },
        });
        var manifest = Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", config),
            ["layers"] = new JsonArray(Descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
        });
        var named = Descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
        named["annotations"] = new JsonObject { ["io.containerd.image.name"] = Name, ["org.opencontainers.image.ref.name"] = Name };
        var index = Bytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(named) });
        using var tar = new TarWriter(File.Create(path), TarEntryFormat.Ustar);
        Add(tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray());
        Add(tar, "index.json", index);
        foreach (var blob in (byte[][])[layer, config, manifest])
            Add(tar, "blobs/sha256/" + Digest(blob)["sha256:".Length..], blob);
    }

    private static string Architecture =>
        System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private static byte[] Layer()
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var directory in (string[])["bin", "etc", "tmp", "proc", "sys", "dev", "www"])
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, directory) { Mode = (UnixFileMode)Convert.ToInt32("755", 8) });
            Add(tar, "bin/busybox", File.ReadAllBytes(Busybox), executable: true);
            // What a static glibc can do by itself; anything else it would load libraries for, which are not here.
            Add(tar, "etc/nsswitch.conf", "hosts: files dns\nservices: files\n"u8.ToArray());
            Add(tar, "etc/hosts", "127.0.0.1 localhost\n"u8.ToArray());
            Add(tar, "www/index.html", "weft\n"u8.ToArray());
            foreach (var applet in Applets)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
        }
        return stream.ToArray();
    }

    private static void Add(TarWriter tar, string name, byte[] content, bool executable = false) => tar.WriteEntry(
        new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = new MemoryStream(content),
            Mode = (UnixFileMode)Convert.ToInt32(executable ? "755" : "644", 8),
        });

    private static JsonObject Descriptor(string mediaType, byte[] content) =>
        new() { ["mediaType"] = mediaType, ["digest"] = Digest(content), ["size"] = content.Length };

    private static string Digest(byte[] content) => string.Create(CultureInfo.InvariantCulture, $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}");

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
