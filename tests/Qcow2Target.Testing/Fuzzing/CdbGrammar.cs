namespace Qcow2Target.Testing.Fuzzing;

/// <summary>
/// Makes up SCSI commands: valid ones of every opcode that a disk of ours knows, with values at the edges, and bent ones. A valid command
/// changes nothing in the last <see cref="GuardBlocks"/> blocks of the disk, but for the few that take the whole medium; a bent one may.
/// </summary>
/// <param name="random">Where all choices come from.</param>
/// <param name="capacity">Blocks of the disk at LUN 0.</param>
/// <param name="designators">Designation descriptors of VPD page 83h that EXTENDED COPY may name, each of 4 + n bytes; may be empty.</param>
public sealed class CdbGrammar(RandomSource random, long capacity, IReadOnlyList<byte[]> designators)
{
    /// <summary>Blocks at the end of the disk that valid commands read only.</summary>
    public const int GuardBlocks = 512;

    private static readonly ulong[] Edges = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, ulong.MaxValue];
    private readonly MediumCommands _medium = new(random, capacity);
    private readonly UnitCommands _unit = new(random, capacity, designators);

    /// <summary>The next command: valid, or bent once in <paramref name="bentOdds"/> times.</summary>
    /// <param name="luns">LUN numbers to choose from; one that is not there is among the choices anyway.</param>
    /// <param name="bentOdds">1: every command is bent.</param>
    public FuzzCommand Next(ReadOnlySpan<int> luns, int bentOdds)
    {
        FuzzCommand command = (random.Next(100) < 60 ? _medium.Next() : _unit.Next()) with { Lun = Lun(luns) };
        return random.Once(bentOdds) ? Bend(command) : command;
    }

    private ulong Lun(ReadOnlySpan<int> luns) => random.Next(40) switch
    {
        0 => (ulong)random.Next(256) << 48,
        1 => 0xC101_0000_0000_0000,
        2 => (ulong)random.NextInt64() << random.Next(2),
        3 or 4 => (0x4000ul | (ulong)random.Pick(luns)) << 48,
        _ => (ulong)random.Pick(luns) << 48,
    };

    private FuzzCommand Bend(FuzzCommand command)
    {
        byte[] cdb = command.Cdb;
        for (int bends = random.Next(1, 4); bends > 0; bends--)
        {
            switch (random.Next(10))
            {
                case 0:
                    cdb = random.Bytes(random.Pick(0, 1, 6, 10, 12, 16, 32, random.Next(261)));
                    break;
                case 1:
                    Array.Resize(ref cdb, random.Next(random.Once(2) ? 17 : 261));
                    break;
                case 2 when cdb.Length > 1:
                    cdb[0] = random.Pick<byte>(0x04, 0x48, 0x5E, 0x5F, 0x9E, 0xA3, 0x83, 0x84, 0x8A, 0x2A, (byte)random.Next(256));
                    break;
                case 3 when cdb.Length > 1:
                    cdb[1] = (byte)random.Next(256);
                    break;
                case 4:
                    byte[] data = command.DataOut;
                    for (int i = random.Next(1, 6); i > 0 && data.Length > 0; i--) data[random.Next(Math.Min(data.Length, 64))] = Byte();
                    break;
                case 5:
                    command = command with { DataOut = random.Bytes(random.Pick(0, 1, 8, 24, 511, 512, 513, 1024, random.Next(4096))) };
                    break;
                case 6:
                    command = command with { DataIn = random.Pick(0, 1, 4, 17, 255, 512, 4096, random.Next(200_000)) };
                    break;
                case 7 when cdb.Length >= 10:
                    Edge(cdb.AsSpan(2, random.Pick(1, 2, 4, 8)));
                    break;
                default:
                    if (cdb.Length > 0) cdb[random.Next(cdb.Length)] = Byte();
                    break;
            }
        }
        return command with { Cdb = cdb };
    }

    private byte Byte() => random.Once(2) ? random.Pick<byte>(0, 1, 0x7F, 0x80, 0xFF) : (byte)(random.Once(2) ? 1 << random.Next(8) : random.Next(256));

    private void Edge(Span<byte> field)
    {
        ulong value = random.Pick<ulong>(Edges) + (ulong)random.Next(3) - 1;
        for (int i = field.Length - 1; i >= 0; i--, value >>= 8) field[i] = (byte)value;
    }
}
