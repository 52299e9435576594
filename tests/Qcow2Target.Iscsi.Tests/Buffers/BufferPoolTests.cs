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
        Assert.Equal(buffer.Array.Length, _pool.HeldBytes);
        buffer.LetGo();
        Assert.Equal(0, _pool.HeldBytes);
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
    public void What_is_rented_and_what_is_promised_make_it_scarce()
    {
        var pool = new BufferPool(100_000);
        var buffer = pool.Rent(70_000);
        Assert.False(pool.IsScarce);
        pool.Promise(40_000);
        Assert.True(pool.IsScarce);
        buffer.LetGo();
        Assert.False(pool.IsScarce);
        pool.Promise(-40_000);
        Assert.Equal(0, pool.HeldBytes);
    }

    [Fact]
    public void Nobody_lets_go_of_what_is_back()
    {
        var buffer = _pool.Rent(100);
        buffer.LetGo();
        Assert.Throws<ObjectDisposedException>(buffer.LetGo);
    }
}
