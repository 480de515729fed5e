using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Security;

/// <summary>
/// Bearer tokens: one random one for the administrator, and signed ones (JWT, RFC 7519, HS256) for service accounts, which end when they
/// expire or when their account is gone.
/// </summary>
internal sealed class TokenAuthority
{
    private const string Header = """{"alg":"HS256","typ":"JWT"}""";
    private const string Issuer = "https://kubernetes.default.svc";

    private readonly byte[] _administrator;
    private readonly byte[] _key;
    private readonly TimeProvider _time;
    private readonly Func<string, string, string?> _accountUid;

    /// <param name="accountUid">The uid of a service account by namespace and name; null when there is none.</param>
    public TokenAuthority(string directory, TimeProvider time, Func<string, string, string?> accountUid)
    {
        AdminToken = PrivateFile.ReadOrCreate(Path.Combine(directory, "admin.token"),
            () => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        _administrator = Encoding.UTF8.GetBytes(AdminToken);
        _key = Convert.FromHexString(PrivateFile.ReadOrCreate(Path.Combine(directory, "service-account.key"),
            () => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))));
        _time = time;
        _accountUid = accountUid;
    }

    public string AdminToken { get; }

    public (string Token, DateTimeOffset Expires) Issue(string ns, string name, string uid, TimeSpan lifetime)
    {
        var now = _time.GetUtcNow();
        var expires = now + lifetime;
        var payload = new JsonObject
        {
            ["iss"] = Issuer, ["sub"] = $"system:serviceaccount:{ns}:{name}",
            ["iat"] = now.ToUnixTimeSeconds(), ["exp"] = expires.ToUnixTimeSeconds(), ["uid"] = uid,
        };
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Header))}.{Base64Url.EncodeToString(Json.ToUtf8(payload))}";
        return ($"{signed}.{Base64Url.EncodeToString(Sign(signed))}", expires);
    }

    /// <summary>Who a token speaks for; null when nobody.</summary>
    public UserInfo? Authenticate(string token)
    {
        if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), _administrator))
            return UserInfo.Administrator;
        var end = token.LastIndexOf('.');
        if (end < 0)
            return null;
        try
        {
            if (!CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(token.AsSpan(end + 1)), Sign(token[..end])))
                return null;
            var payload = Json.Parse(Base64Url.DecodeFromChars(token.AsSpan(token.IndexOf('.') + 1, end - token.IndexOf('.') - 1)));
            var subject = (Json.Text(payload?["sub"]) ?? "").Split(':');
            if (subject is not ["system", "serviceaccount", var ns, var name] || Json.Integer(payload!["exp"]) is not { } expires
                || expires < _time.GetUtcNow().ToUnixTimeSeconds())
                return null;
            var uid = Json.Text(payload["uid"]) ?? "";
            return _accountUid(ns, name) == uid ? UserInfo.ServiceAccount(ns, name, uid) : null;
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private byte[] Sign(string text) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text));

}
