using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Testing;

public sealed class MemoryBlockFileTests(ITestOutputHelper output)
{
    [Fact]
    public void It_behaves_as_an_array_does()
    {
        const int Size = 300_000;
        var random = new RandomSource(output.WriteLine);
        using var file = new MemoryBlockFile();
        var model = new byte[Size];
        var length = 0;
        for (var step = 0; step < 3000; step++)
        {
            var offset = random.Next(Size);
            var count = random.Next(Size - offset + 1) >> random.Next(18);
            switch (random.Next(4))
            {
                case 0:
                    var content = random.Once(4) ? new byte[count] : random.Bytes(count);
                    file.Write(offset, content);
                    content.CopyTo(model, offset);
                    if (count > 0) length = Math.Max(length, offset + count);
                    break;
                case 1:
                    Assert.True(file.Punch(offset, count));
                    model.AsSpan(offset, count).Clear();
                    break;
                case 2 when random.Once(10):
                    file.SetLength(offset);
                    if (offset < length) model.AsSpan(offset).Clear();
                    length = offset;
                    break;
                default:
                    var read = random.Bytes(count);
                    file.Read(offset, read);
                    Assert.Equal(model.AsSpan(offset, count).ToArray(), read);
                    break;
            }
            Assert.Equal(length, file.Length);
        }
        Assert.Equal(model[..length], file.ToArray());
        Assert.Equal(model[..length], file.Copy().ToArray());
        using var directory = new TempDirectory();
        file.SaveTo(directory["saved"]);
        Assert.Equal(model[..length], MemoryBlockFile.LoadFrom(directory["saved"]).ToArray());
    }

    [Fact]
    public void A_full_one_reports_no_space_and_takes_writes_again_after_a_punch()
    {
        using var file = new MemoryBlockFile(limit: 65536);
        file.Write(1 << 30, [1]);
        var failure = Assert.Throws<BlockFileException>(() => file.Write(0, [1]));
        Assert.Equal(BlockFileError.NoSpace, failure.Error);
        file.Punch(1 << 30, 65536);
        file.Write(0, [1]);
    }
}
