using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Weft.KubeApi.Security;

/// <summary>The server's own certificate authority and serving certificate, kept as PEM files in the data directory.</summary>
internal sealed class CertificateAuthority
{
    // Long enough that no lab outlives it; the clock skew allowance is for virtual machines that resume.
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    private readonly string _directory;
    private readonly X509Certificate2 _authority;
    private readonly DateTimeOffset _now;

    private CertificateAuthority(string directory, X509Certificate2 authority, DateTimeOffset now)
    {
        _directory = directory;
        _authority = authority;
        _now = now;
        Pem = authority.ExportCertificatePem();
    }

    public string Pem { get; }

    public static CertificateAuthority OpenOrCreate(string directory, TimeProvider time)
    {
        var certificatePath = Path.Combine(directory, "ca.crt");
        var keyPath = Path.Combine(directory, "ca.key");
        var now = time.GetUtcNow();
        if (File.Exists(certificatePath) && File.Exists(keyPath))
            return new CertificateAuthority(directory, X509Certificate2.CreateFromPemFile(certificatePath, keyPath), now);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=weft-kubeapi-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var certificate = request.CreateSelfSigned(now - Skew, now + Lifetime);
        PrivateFile.Write(keyPath, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(certificatePath, certificate.ExportCertificatePem());
        return new CertificateAuthority(directory, certificate, now);
    }

    /// <summary>The serving certificate, made anew when it is not for exactly these names.</summary>
    public X509Certificate2 ServingCertificate(IEnumerable<string> names)
    {
        var wanted = names.Concat(["localhost", "127.0.0.1", "::1"]).Distinct().Order(StringComparer.Ordinal).ToArray();
        var certificatePath = Path.Combine(_directory, "apiserver.crt");
        var keyPath = Path.Combine(_directory, "apiserver.key");
        var namesPath = Path.Combine(_directory, "apiserver.names");
        if (File.Exists(certificatePath) && File.Exists(keyPath) && File.Exists(namesPath) && File.ReadAllLines(namesPath).SequenceEqual(wanted))
            return X509Certificate2.CreateFromPemFile(certificatePath, keyPath);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kube-apiserver", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in wanted)
        {
            if (IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else
                alternatives.AddDnsName(name);
        }
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, true, false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        using var signed = request.Create(_authority, _now - Skew, _authority.NotAfter, serial);
        PrivateFile.Write(keyPath, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(certificatePath, signed.ExportCertificatePem());
        PrivateFile.Write(namesPath, string.Join('\n', wanted) + "\n");
        return X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
    }
}
