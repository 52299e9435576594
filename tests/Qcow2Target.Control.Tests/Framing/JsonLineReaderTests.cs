using System.Text;
using Qcow2Target.Control.Framing;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Control.Tests.Framing;

public sealed class JsonLineReaderTests(ITestOutputHelper output)
{
    private const string Text = "{\"a\":1}\n\n{\"b\":\"\u00e4\u20ac\"}\r\n\r\r\nlast\n";
    private static readonly string[] Lines = ["{\"a\":1}", "", "{\"b\":\"\u00e4\u20ac\"}", "\r", "last"];

    [Fact]
    public void Lines_are_the_same_whatever_way_the_bytes_are_cut()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Text);
        Assert.Equal(Lines, Feed(bytes, bytes.Length));
        Assert.Equal(Lines, Feed(bytes, 1));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var reader = new JsonLineReader();
            List<string> lines = [];
            Push(reader, bytes.AsSpan(0, cut));
            Assert.Equal(LineOutcome.NeedMore, Take(reader, lines));
            Push(reader, bytes.AsSpan(cut));
            reader.EndOfInput();
            Assert.Equal(LineOutcome.End, Take(reader, lines));
            Assert.Equal(Lines, lines);
        }
    }

    [Fact]
    public void Random_lines_come_out_as_they_went_in()
    {
        var random = new RandomSource(output.WriteLine);
        for (int round = 0; round < 200; round++)
        {
            string[] lines = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => new string((char)random.Next('a', 'z'), random.Next(20_000)))];
            byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + (random.Next(2) == 0 ? "\n" : "\r\n"))));
            List<string> result = Feed(bytes, random.Next(1, 9000));
            Assert.True(lines.SequenceEqual(result), $"seed {random.Seed}, round {round}");
        }
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Line_of_the_limit_is_taken_and_one_byte_more_is_not(string lineEnd)
    {
        var reader = new JsonLineReader(100);
        List<string> lines = [];
        Push(reader, Encoding.ASCII.GetBytes(new string('x', 100) + lineEnd));
        Assert.Equal(LineOutcome.NeedMore, Take(reader, lines));
        Assert.Equal([new string('x', 100)], lines);
        Push(reader, Encoding.ASCII.GetBytes(new string('x', 101) + lineEnd));
        Assert.Equal(LineOutcome.TooLong, Take(reader, lines));
    }

    [Fact]
    public void Endless_line_is_reported_once_and_then_the_reader_is_at_its_end()
    {
        var reader = new JsonLineReader();
        var chunk = new byte[64 * 1024];
        List<string> lines = [];
        List<LineOutcome> outcomes = [];
        for (int i = 0; i < 64; i++)
        {
            Push(reader, chunk);
            outcomes.Add(Take(reader, lines));
        }

        Push(reader, "{}\n"u8);
        outcomes.Add(Take(reader, lines));
        Assert.Empty(lines);
        Assert.Single(outcomes, LineOutcome.TooLong);
        Assert.Equal(LineOutcome.TooLong, outcomes.First(outcome => outcome != LineOutcome.NeedMore));
        Assert.Equal(LineOutcome.End, outcomes[^1]);
        Assert.InRange(reader.GetBuffer().Length, 1, ControlLimits.InitialBufferBytes);
    }

    [Fact]
    public void Lines_before_an_endless_one_are_given()
    {
        var reader = new JsonLineReader(10);
        List<string> lines = [];
        Push(reader, "one\ntwo\nthree four five six"u8);
        Assert.Equal(LineOutcome.TooLong, Take(reader, lines));
        Assert.Equal(["one", "two"], lines);
    }

    [Fact]
    public void Half_a_line_at_the_end_is_reported_once()
    {
        var reader = new JsonLineReader();
        List<string> lines = [];
        Push(reader, "one\n{\"type\""u8);
        reader.EndOfInput();
        Assert.Equal(LineOutcome.Incomplete, Take(reader, lines));
        Assert.Equal(["one"], lines);
        Assert.Equal(LineOutcome.End, Take(reader, lines));
    }

    [Fact]
    public void Input_without_a_byte_has_no_lines()
    {
        var reader = new JsonLineReader();
        reader.EndOfInput();
        Assert.Equal(LineOutcome.End, reader.Read(out _));
    }

    [Fact]
    public void Idle_reader_gives_its_large_buffer_back()
    {
        var reader = new JsonLineReader();
        Push(reader, new byte[500_000]);
        Push(reader, "\n"u8);
        Assert.Equal(LineOutcome.Line, reader.Read(out ReadOnlySpan<byte> line));
        Assert.Equal(500_000, line.Length);
        Assert.Equal(ControlLimits.InitialBufferBytes, reader.GetBuffer().Length);
    }

    [Fact]
    public void More_than_the_buffer_holds_cannot_be_taken_over()
    {
        var reader = new JsonLineReader();
        int room = reader.GetBuffer().Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Advance(room + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Advance(-1));
    }

    private static List<string> Feed(byte[] bytes, int chunk)
    {
        var reader = new JsonLineReader();
        List<string> lines = [];
        for (int at = 0; at < bytes.Length; at += chunk)
        {
            Push(reader, bytes.AsSpan(at, Math.Min(chunk, bytes.Length - at)));
            Take(reader, lines);
        }

        return lines;
    }

    /// <summary>Fills the reader as a socket would; what lies in the buffer behind the bytes is junk.</summary>
    private static void Push(JsonLineReader reader, ReadOnlySpan<byte> bytes)
    {
        do
        {
            Span<byte> room = reader.GetBuffer().Span;
            room.Fill((byte)'\n');
            int count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            reader.Advance(count);
            bytes = bytes[count..];
        }
        while (!bytes.IsEmpty);
    }

    private static LineOutcome Take(JsonLineReader reader, List<string> lines)
    {
        LineOutcome outcome;
        while ((outcome = reader.Read(out ReadOnlySpan<byte> line)) == LineOutcome.Line)
            lines.Add(Encoding.UTF8.GetString(line));
        return outcome;
    }
}
