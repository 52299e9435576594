namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>The judge is judged: each fault that the load tests are to find is shown to it once.</summary>
public sealed class BlockLedgerTests
{
    private const int Disk = 3;
    private static readonly BlockRun First = new(0, 2);
    private readonly BlockLedger _ledger = new(Disk, 8);

    [Fact]
    public void What_was_written_is_right()
    {
        byte[] data = Write(First);
        _ledger.CheckRead(First, _ledger.BeforeRead(First), data);
    }

    [Fact]
    public void Zeros_are_right_before_the_first_write_and_after_an_unmap()
    {
        byte[] zeros = new byte[First.Bytes];
        _ledger.CheckRead(First, _ledger.BeforeRead(First), zeros);
        Write(First);
        _ledger.TryTake(First, BlockContent.Zeros);
        _ledger.Acknowledge(First);
        _ledger.CheckRead(First, _ledger.BeforeRead(First), zeros);
    }

    [Fact]
    public void Zeros_are_no_right_answer_for_a_block_that_was_written()
    {
        Write(First);
        Refused(() => _ledger.CheckRead(First, _ledger.BeforeRead(First), new byte[First.Bytes]));
    }

    [Fact]
    public void An_older_generation_is_found()
    {
        byte[] old = Write(First);
        Write(First);
        Refused(() => _ledger.CheckRead(First, _ledger.BeforeRead(First), old));
    }

    [Fact]
    public void A_block_in_the_place_of_another_is_found()
    {
        byte[] data = Write(First);
        data.AsSpan(0, BlockStamp.BlockBytes).CopyTo(data.AsSpan(BlockStamp.BlockBytes));
        Refused(() => _ledger.CheckRead(First, _ledger.BeforeRead(First), data));
    }

    [Fact]
    public void A_block_of_another_disk_is_found()
    {
        Write(First);
        BlockLedger other = new(Disk + 1, 8);
        other.TryTake(First, BlockContent.Stamped);
        byte[] foreign = other.DataOf(First);
        Refused(() => _ledger.CheckRead(First, _ledger.BeforeRead(First), foreign));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(100)]
    public void A_torn_block_is_found(int from)
    {
        byte[] old = Write(First), data = Write(First);
        old.AsSpan(from, BlockStamp.BlockBytes - from).CopyTo(data.AsSpan(from));
        Refused(() => _ledger.CheckRead(First, _ledger.BeforeRead(First), data));
        Refused(() => _ledger.CheckAfterKill(First, data));
    }

    [Fact]
    public void A_read_beside_a_write_may_see_both_but_nothing_older()
    {
        byte[] first = Write(First), second = Write(First);
        uint[] before = _ledger.BeforeRead(First);
        _ledger.TryTake(First, BlockContent.Stamped);
        byte[] third = _ledger.DataOf(First), mixed = [.. third[..4000], .. second[4000..]];
        _ledger.CheckRead(First, before, mixed);
        first.AsSpan(0, 512).CopyTo(mixed);
        Refused(() => _ledger.CheckRead(First, before, mixed));
    }

    [Fact]
    public void After_a_kill_what_was_acknowledged_must_be_there_and_what_was_not_may_be()
    {
        byte[] first = Write(First), second = Write(First);
        _ledger.CheckAfterKill(First, second);
        Refused(() => _ledger.CheckAfterKill(First, first));
        _ledger.TryTake(First, BlockContent.Stamped);
        _ledger.CheckAfterKill(First, second);
        _ledger.CheckAfterKill(First, _ledger.DataOf(First));
        Refused(() => _ledger.CheckAfterKill(First, new byte[First.Bytes]));
    }

    [Fact]
    public void A_run_is_held_until_its_write_is_acknowledged()
    {
        Assert.NotNull(_ledger.TryTake(First, BlockContent.Stamped));
        Assert.Null(_ledger.TryTake(new BlockRun(1, 1), BlockContent.Stamped));
        _ledger.Acknowledge(First);
        Assert.NotNull(_ledger.TryTake(new BlockRun(1, 1), BlockContent.Stamped));
    }

    private byte[] Write(BlockRun run)
    {
        Assert.NotNull(_ledger.TryTake(run, BlockContent.Stamped));
        byte[] data = _ledger.DataOf(run);
        _ledger.Acknowledge(run);
        return data;
    }

    private static void Refused(Action check) => Assert.Throws<InvalidDataException>(check);
}
