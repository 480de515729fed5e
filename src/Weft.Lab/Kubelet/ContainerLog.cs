using System.Buffers;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Weft.KubeApi.Streams;
using Weft.Lab.Daemon;

namespace Weft.Lab.Kubelet;

/// <summary>
/// One run's output on disk in the CRI log format (time, stream, F for a whole line or P for a part, text), of bounded size, and to
/// whoever is attached.
/// </summary>
internal sealed class ContainerLog : IDisposable
{
    /// <summary>Longest part of a line, as container runtimes cut them.</summary>
    private const int LongestPart = 16 * 1024;

    /// <summary>Kubelet's containerLogMaxSize; here two files of it are kept.</summary>
    private const long SizeLimit = 10 * 1024 * 1024;

    private readonly RotatingFile _file;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<ChannelWriter<(bool IsError, byte[] Bytes)>> _attached = [];

    public ContainerLog(string path, TimeProvider time)
    {
        Path = path;
        _time = time;
        _file = new RotatingFile(path, SizeLimit);
    }

    public string Path { get; }

    /// <summary>Reads a stream of a container until it ends.</summary>
    public async Task PumpAsync(Stream from, bool isError)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(LongestPart);
        var line = new ArrayBufferWriter<byte>();
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer.AsMemory(0, LongestPart))) > 0)
            {
                Tell(isError, buffer.AsSpan(0, read));
                Split(buffer.AsSpan(0, read), line, isError);
            }
        }
        catch (IOException)
        {
            // The process is gone; what it wrote has been read.
        }
        finally
        {
            if (line.WrittenCount > 0)
                WritePart(line, isError, whole: true);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Split(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> line, bool isError)
    {
        while (bytes.Length > 0)
        {
            int end = bytes.IndexOf((byte)'\n');
            int take = Math.Min(end < 0 ? bytes.Length : end, LongestPart - line.WrittenCount);
            line.Write(bytes[..take]);
            if (end >= 0 && take == end)
            {
                WritePart(line, isError, whole: true);
                bytes = bytes[(end + 1)..];
            }
            else
            {
                if (line.WrittenCount == LongestPart)
                    WritePart(line, isError, whole: false);
                bytes = bytes[take..];
            }
        }
    }

    private void WritePart(ArrayBufferWriter<byte> line, bool isError, bool whole)
    {
        string head = $"{FormatTime(_time.GetUtcNow())} {(isError ? "stderr" : "stdout")} {(whole ? 'F' : 'P')} ";
        byte[] record = [.. Encoding.ASCII.GetBytes(head), .. line.WrittenSpan, (byte)'\n'];
        line.ResetWrittenCount();
        _file.Write(record);
    }

    /// <summary>RFC 3339 with nine digits, as CRI has it; .NET's clock gives seven.</summary>
    internal static string FormatTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    private void Tell(bool isError, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (_attached.Count == 0)
                return;
            byte[] copy = bytes.ToArray();
            foreach (var writer in _attached)
                writer.TryWrite((isError, copy));
        }
    }

    /// <summary>Output from now on; a reader that falls behind loses the oldest.</summary>
    public ChannelReader<(bool IsError, byte[] Bytes)> Attach()
    {
        var channel = Channel.CreateBounded<(bool, byte[])>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock)
            _attached.Add(channel.Writer);
        return channel.Reader;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var writer in _attached)
                writer.TryComplete();
            _attached.Clear();
        }

        _file.Dispose();
    }

    /// <summary>Writes a run's log as pods/log answers it.</summary>
    /// <param name="running">Whether more may come, asked at each end of the file.</param>
    public static async Task CopyAsync(string path, LogOptions options, Stream output, TimeProvider time, Func<bool> running, CancellationToken cancel)
    {
        var since = options.SinceTime ?? (options.SinceSeconds is { } s ? time.GetUtcNow().AddSeconds(-s) : null);
        long left = options.LimitBytes ?? long.MaxValue;
        var start = await TailAsync(path, options.TailLines, cancel);
        foreach (byte[] record in start.Records)
            left = await EmitAsync(record, options, since, output, left, cancel);
        if (!options.Follow)
            return;
        await output.FlushAsync(cancel);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Min(start.Offset, file.Length), SeekOrigin.Begin);
        var pending = new List<byte>();
        byte[] buffer = new byte[32 * 1024];
        while (left > 0)
        {
            bool more = running();
            int read = await file.ReadAsync(buffer, cancel);
            if (read == 0)
            {
                if (!more)
                    return;
                await Task.Delay(50, cancel);
                continue;
            }

            pending.AddRange(buffer.AsSpan(0, read));
            int end;
            while ((end = pending.IndexOf((byte)'\n')) >= 0)
            {
                left = await EmitAsync([.. pending[..(end + 1)]], options, since, output, left, cancel);
                pending.RemoveRange(0, end + 1);
            }

            await output.FlushAsync(cancel);
        }
    }

    private static async Task<(List<byte[]> Records, long Offset)> TailAsync(string path, int? tail, CancellationToken cancel)
    {
        var all = new List<byte[]>();
        long offset = 0;
        foreach (string file in new[] { path + ".1", path })
        {
            if (!File.Exists(file))
                continue;
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[stream.Length];
            int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
            int from = 0;
            for (int end; from < length && (end = Array.IndexOf(bytes, (byte)'\n', from, length - from)) >= 0; from = end + 1)
                all.Add(bytes[from..(end + 1)]);
            offset = from;
        }

        // A line that was cut into parts counts as one for --tail.
        if (tail is { } count)
        {
            int index = all.Count, lines = 0;
            while (index > 0 && (lines < count || (index > 0 && IsPart(all[index - 1]))))
            {
                index--;
                if (!IsPart(all[index]))
                    lines++;
                if (lines > count)
                {
                    index++;
                    break;
                }
            }

            all.RemoveRange(0, index);
        }

        return (all, offset);
    }

    private static bool IsPart(byte[] record) => record.Length > 39 && record[38] == (byte)'P';

    private static async Task<long> EmitAsync(
        byte[] record, LogOptions options, DateTimeOffset? since, Stream output, long left, CancellationToken cancel)
    {
        // 30 characters of time, a space, 6 of stream, a space, F or P, a space.
        const int timeLength = 30, headLength = 40;
        if (record.Length < headLength || left <= 0)
            return left;
        string time = Encoding.ASCII.GetString(record, 0, timeLength);
        if (since is { } limit && DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) && at < limit)
            return left;
        int end = IsPart(record) ? record.Length - 1 : record.Length;
        byte[] bytes = options.Timestamps ? [.. Encoding.ASCII.GetBytes(time + " "), .. record.AsSpan(headLength, end - headLength)] : record[headLength..end];
        int count = (int)Math.Min(bytes.Length, left);
        await output.WriteAsync(bytes.AsMemory(0, count), cancel);
        return left - count;
    }
}
