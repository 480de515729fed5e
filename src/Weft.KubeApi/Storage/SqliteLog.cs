using Microsoft.Data.Sqlite;

namespace Weft.KubeApi.Storage;

/// <summary>
/// The objects on disk. In WAL mode with <c>synchronous=OFF</c> a commit is in the kernel's page cache when it returns: it survives the
/// death of the process (what a lab must survive), not a power cut. Used by one thread at a time.
/// </summary>
internal sealed class SqliteLog : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _upsert;
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _setRevision;

    public SqliteLog(string path)
    {
        // Secrets are among the objects. SQLite gives its other files the mode of this one.
        if (!File.Exists(path) && !OperatingSystem.IsWindows())
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL");
        Execute("PRAGMA synchronous=OFF");
        Execute("CREATE TABLE IF NOT EXISTS objects(resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, "
            + "revision INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(resource, namespace, name)) WITHOUT ROWID");
        Execute("CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID");
        Execute("INSERT OR IGNORE INTO counters VALUES('revision', 1)");
        _upsert = Prepare("INSERT OR REPLACE INTO objects VALUES($resource, $namespace, $name, $revision, $body)",
            "$resource", "$namespace", "$name", "$revision", "$body");
        _delete = Prepare("DELETE FROM objects WHERE resource=$resource AND namespace=$namespace AND name=$name",
            "$resource", "$namespace", "$name");
        _setRevision = Prepare("UPDATE counters SET value=$value WHERE name='revision'", "$value");
    }

    public StoreState Load()
    {
        var state = StoreState.Empty;
        using var read = _connection.CreateCommand();
        read.CommandText = "SELECT resource, namespace, name, revision, body FROM objects";
        using (var row = read.ExecuteReader())
        {
            while (row.Read())
            {
                var key = new ObjectKey(row.GetString(0), row.GetString(1), row.GetString(2));
                state = state.With(StoredObject.Load(key, row.GetFieldValue<byte[]>(4), row.GetInt64(3)), 0);
            }
        }
        read.CommandText = "SELECT value FROM counters WHERE name='revision'";
        return state with { Revision = (long)read.ExecuteScalar()! };
    }

    /// <summary>All of the changes, or none.</summary>
    public void Write(IReadOnlyList<StoreEvent> changes)
    {
        using var transaction = _connection.BeginTransaction();
        _upsert.Transaction = _delete.Transaction = _setRevision.Transaction = transaction;
        foreach (var change in changes)
        {
            var key = change.Object.Key;
            var command = change.Type == Client.WatchEventType.Deleted ? _delete : _upsert;
            command.Parameters[0].Value = key.Resource;
            command.Parameters[1].Value = key.Namespace;
            command.Parameters[2].Value = key.Name;
            if (command == _upsert)
            {
                command.Parameters[3].Value = change.Revision;
                command.Parameters[4].Value = change.Object.Utf8;
            }
            command.ExecuteNonQuery();
        }
        _setRevision.Parameters[0].Value = changes[^1].Revision;
        _setRevision.ExecuteNonQuery();
        transaction.Commit();
    }

    public void Dispose()
    {
        _upsert.Dispose();
        _delete.Dispose();
        _setRevision.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Prepare(string text, params string[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var name in parameters)
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        return command;
    }

    private void Execute(string text)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }
}
