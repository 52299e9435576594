using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>
/// Random requests on a driver, many under way at once, and the bytes they should lead to. Requests that run together never overlap in bytes
/// (their order would be anybody's), but share clusters all the time.
/// </summary>
internal sealed class Workload(WriterDriver driver, byte[] model, RandomSource random)
{
    private readonly List<(int Start, int End)> _underWay = [];

    internal void Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            switch (random.Next(12))
            {
                case 0: Zero(); break;
                case 1 or 2 or 3: Write(); break;
                case 4: Flush(); break;
                case 5: Read(); break;
                default: driver.Turn(); break;
            }
        }
        driver.RunAll();
        Assert.Empty(_underWay);
    }

    internal static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        var differs = expected.CommonPrefixLength(actual);
        Assert.True(differs == expected.Length && differs == actual.Length, $"differs at 0x{differs:x}");
    }

    private void Write()
    {
        if (!Choose(random.Once(20) ? 1 << 20 : 40_000, out var start, out var length)) return;
        var data = random.Bytes(length);
        if (random.Once(2) && driver.Image.TryWrite(start, data))
        {
            data.CopyTo(model, start);
            return;
        }
        // A try that says no may have written a part; the request writes all of it.
        Begin(start, length, driver.Write(start, data), () => data.CopyTo(model, start));
    }

    private void Zero()
    {
        if (!Choose(random.Once(4) ? 3 << 20 : 300_000, out var start, out var length)) return;
        var space = random.Pick(ZeroSpace.Keep, ZeroSpace.Free);
        Begin(start, length, driver.Zero(start, length, space), () => model.AsSpan(start, length).Clear());
    }

    private void Flush()
    {
        var outcome = driver.Flush();
        outcome.Then = fault => Assert.Null(fault);
    }

    private void Read()
    {
        if (!Choose(200_000, out var start, out var length)) return;
        var read = new byte[length];
        if (random.Once(2) || !driver.Image.TryRead(start, read)) driver.Image.Read(start, read);
        AssertSame(model.AsSpan(start, length), read);
    }

    private void Begin(int start, int length, Outcome outcome, Action apply)
    {
        var range = (start, start + length);
        _underWay.Add(range);
        outcome.Then = fault =>
        {
            Assert.Null(fault);
            Assert.True(_underWay.Remove(range));
            apply();
        };
    }

    private bool Choose(int most, out int start, out int length)
    {
        // Sectors mostly, now and then any bytes; the ends of the disk more often than chance has them.
        start = random.Next(model.Length);
        length = random.Next(1, most);
        if (!random.Once(5)) (start, length) = (start & ~511, (length + 511) & ~511);
        if (random.Once(20)) start = Math.Max(0, model.Length - length);
        length = Math.Min(length, model.Length - start);
        foreach (var (from, to) in _underWay)
            if (start < to && start + length > from) return false;
        return true;
    }
}
