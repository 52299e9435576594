using System.Buffers.Binary;
using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>
/// Makes a boot sector for a PC's firmware: each call lays the machine code of one step behind that of the last. It shows text by int 10h and uses disks by
/// the extended calls of int 13h; where one fails it says so and stops.
/// </summary>
internal sealed class BootSector
{
    public const int SectorBytes = 512;

    /// <summary>Sectors that a load or a store moves: as many as firmware takes in one call.</summary>
    public const int SectorsAtOnce = 127;

    public const byte FirstDrive = 0x80;

    public const byte SecondDrive = 0x81;

    public const string Failure = "int 13h failed";

    private const int CodeBytes = 510;

    /// <summary>Segment of the buffer: 64 KiB in, far from the sector itself.</summary>
    private const ushort BufferSegment = 0x1000;

    private readonly List<byte> _code =
    [
        0x31, 0xC0,             // xor ax, ax
        0x8E, 0xD8,             // mov ds, ax
        0x8E, 0xC0,             // mov es, ax
        0x8E, 0xD0,             // mov ss, ax
        0xBC, 0x00, 0x7C,       // mov sp, 7C00h
        0xFC,                   // cld
    ];

    /// <summary>Shows a line.</summary>
    public BootSector Print(string line)
    {
        Inline(Encoding.ASCII.GetBytes($"{line}\r\n\0"));
        PrintFromSi();
        return this;
    }

    /// <summary>Reads <see cref="SectorsAtOnce"/> sectors into the buffer.</summary>
    public BootSector Load(byte drive, uint sector) => Extended(0x42, drive, sector);

    /// <summary>Writes the buffer.</summary>
    public BootSector Store(byte drive, uint sector) => Extended(0x43, drive, sector);

    /// <summary>Shows the buffer up to its first NUL.</summary>
    public BootSector PrintBuffer()
    {
        Add(0xB8, BufferSegment & 0xFF, BufferSegment >> 8);    // mov ax, the buffer's segment
        Add(0x8E, 0xD8);                                        // mov ds, ax
        Add(0x31, 0xF6);                                        // xor si, si
        PrintFromSi();
        Add(0x31, 0xC0);                                        // xor ax, ax
        Add(0x8E, 0xD8);                                        // mov ds, ax
        return this;
    }

    /// <summary>The sector, which stops after its last step.</summary>
    public byte[] Build()
    {
        Stop();
        if (_code.Count > CodeBytes) throw new InvalidOperationException($"{_code.Count} bytes of code are more than a boot sector holds");
        byte[] sector = new byte[SectorBytes];
        _code.CopyTo(sector);
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(CodeBytes), 0xAA55);
        return sector;
    }

    private BootSector Extended(byte function, byte drive, uint sector)
    {
        byte[] packet = new byte[16];                           // the disk address packet
        packet[0] = (byte)packet.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(2), SectorsAtOnce);
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(6), BufferSegment);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), sector);
        Inline(packet);
        Add(0xB8, 0x00, function);                              // mov ax, the function; al = 0
        Add(0xB2, drive);                                       // mov dl, drive
        Add(0xCD, 0x13);                                        // int 13h
        Add(0x73, 0x00);                                        // jnc behind what follows
        int from = _code.Count;
        Print(Failure);
        Stop();
        _code[from - 1] = (byte)(_code.Count - from);
        return this;
    }

    /// <summary>Data between the code, with SI at its start: a call over it leaves its address on the stack.</summary>
    private void Inline(byte[] data)
    {
        Add(0xE8, (byte)data.Length, (byte)(data.Length >> 8)); // call behind the data
        _code.AddRange(data);
        Add(0x5E);                                              // pop si
    }

    private void PrintFromSi() => Add(
        0xAC,                                                   // lodsb
        0x84, 0xC0,                                             // test al, al
        0x74, 0x09,                                             // jz behind this
        0xB4, 0x0E,                                             // mov ah, 0Eh
        0xBB, 0x07, 0x00,                                       // mov bx, 7
        0xCD, 0x10,                                             // int 10h
        0xEB, 0xF2);                                            // jmp lodsb

    // With interrupts, which a disk call may leave off: the firmware shows the last of the text from its timer.
    private void Stop() => Add(
        0xFB,                                                   // sti
        0xF4,                                                   // hlt
        0xEB, 0xFD);                                            // jmp hlt

    private void Add(params ReadOnlySpan<byte> code) => _code.AddRange(code);
}
