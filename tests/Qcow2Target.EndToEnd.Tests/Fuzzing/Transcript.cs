using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>The headers of the last PDUs of a conversation, in their order.</summary>
internal sealed class Transcript
{
    private const int Kept = 400;
    private readonly Queue<(int Connection, char Direction, byte[] Header, int DataBytes)> _lines = new();
    private int _dropped;

    public void Sent(int connection, ReadOnlySpan<byte> header, int dataBytes) => Add(connection, '>', header, dataBytes);

    public void Received(int connection, ReadOnlySpan<byte> header, int dataBytes) => Add(connection, '<', header, dataBytes);

    /// <summary>An event that is no PDU.</summary>
    public void Note(int connection, string what) => Add(connection, '#', Encoding.UTF8.GetBytes(what), 0);

    public override string ToString()
    {
        StringBuilder text = new();
        if (_dropped > 0) text.AppendLine(null, $"({_dropped} earlier ones)");
        foreach (var (connection, direction, header, dataBytes) in _lines)
        {
            text.AppendLine(null, $"{connection} {direction} {(direction == '#' ? Encoding.UTF8.GetString(header) : Convert.ToHexStringLower(header))} +{dataBytes}");
        }
        return text.ToString();
    }

    private void Add(int connection, char direction, ReadOnlySpan<byte> header, int dataBytes)
    {
        if (_lines.Count == Kept)
        {
            _lines.Dequeue();
            _dropped++;
        }
        _lines.Enqueue((connection, direction, header.ToArray(), dataBytes));
    }
}
