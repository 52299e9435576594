using Qcow2Target.Iscsi.Buffers;

namespace Qcow2Target.Iscsi.Tests.Buffers;

public sealed class BufferPoolTests
{
    private readonly BufferPool _pool = new();

    [Theory]
    [InlineData(0)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(300000)]
    [InlineData(1 << 20)]
    [InlineData(5 << 20)]
    public void A_buffer_is_long_enough_and_counted(int bytes)
    {
        var buffer = _pool.Rent(bytes);
        Assert.True(buffer.Array.Length >= bytes);
        Assert.Equal(1, _pool.RentedCount);
        buffer.LetGo();
        Assert.Equal(0, _pool.RentedCount);
    }

    [Fact]
    public void The_last_holder_brings_it_back()
    {
        var buffer = _pool.Rent(100);
        buffer.Hold();
        buffer.LetGo();
        Assert.NotSame(buffer, _pool.Rent(100));
        buffer.LetGo();
        Assert.Same(buffer, _pool.Rent(100));
    }

    [Fact]
    public void Nobody_lets_go_of_what_is_back()
    {
        var buffer = _pool.Rent(100);
        buffer.LetGo();
        Assert.Throws<ObjectDisposedException>(buffer.LetGo);
    }
}
