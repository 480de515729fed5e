using System.Text;

namespace Weft.Lab.Daemon;

/// <summary>A log of bounded size: when it is full it becomes <c>FILE.1</c> in place of the one before, and a new one begins.</summary>
internal sealed class RotatingFile : IAsyncDisposable, IDisposable
{
    private readonly string _path;
    private readonly long _limit;
    private readonly Lock _lock = new();
    private FileStream _file;

    public RotatingFile(string path, long limit)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        (_path, _limit, _file) = (path, limit, Open(path));
    }

    public void WriteLine(string line) => Write(Encoding.UTF8.GetBytes(line + "\n"));

    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (_file.Length > 0 && _file.Length + bytes.Length > _limit)
            {
                _file.Dispose();
                File.Move(_path, _path + ".1", overwrite: true);
                _file = Open(_path);
            }

            _file.Write(bytes);
        }
    }

    // Unbuffered: whoever follows the log sees a line when it is written.
    private static FileStream Open(string path) =>
        new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    public void Dispose() => _file.Dispose();

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
