using System.Buffers.Binary;
using System.Globalization;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>
/// What a disk of the matrix holds: as QEMU reads it before, as the model has it after. The model is a raw file beside the disk; of a disk
/// that is too large for that, its first megabytes and its end. Operations go to these two.
/// </summary>
internal sealed class MatrixDisk
{
    private const int HeadBytes = 4 << 20, TailBytes = 64 << 10;
    private const long LargestWhole = 128L << 20;

    private readonly string _path;
    private readonly byte[] _header;
    private readonly bool _isWhole;

    /// <param name="around">What it holds where QEMU cannot tell, from the start on, zeros behind; null: QEMU is asked.</param>
    public MatrixDisk(string path, byte[]? around = null)
    {
        _path = path;
        Length = QemuImg.Info(path).GetProperty("virtual-size").GetInt64() / 512 * 512;
        _header = ReadHeader(path);
        _isWhole = Length <= LargestWhole;
        if (around is not null) File.WriteAllBytes(Model, around);
        else if (_isWhole) QemuImg.Run("convert", "-U", "-f", "qcow2", "-O", "raw", path, Model).EnsureSuccess();
        if (_isWhole)
        {
            using FileStream file = new(Model, FileMode.Open, FileAccess.ReadWrite);
            file.SetLength(Length);
        }
        int head = (int)Math.Min(Length, HeadBytes);
        Head = _isWhole ? Whole(0, head) : Extract(0, head);
        int tail = Length > HeadBytes + TailBytes ? TailBytes : 0;
        Tail = _isWhole ? Whole(Length - tail, tail) : Extract(Length - tail, tail);
    }

    public long Length { get; }

    /// <summary>The model of the start of the disk.</summary>
    public byte[] Head { get; }

    /// <summary>The model of its end; empty where <see cref="Head"/> is all there is.</summary>
    public byte[] Tail { get; }

    private string Model => _path + ".model";

    /// <summary>The file as it is now, against the model, the check, and the header as it was.</summary>
    public void AssertFile(MatrixRow row)
    {
        string words = "";
        CheckVerdict verdict = CheckVerdict.NotChecked;
        // Not checked: locked, perhaps by a tool that another test has just forked and that has our descriptors until its exec.
        Eventually.Now(() => (verdict = QemuImg.Check(_path, out words)) != CheckVerdict.NotChecked);
        Assert.True(row.Verdicts.Contains(verdict), words);
        if (_isWhole)
        {
            using (FileStream file = new(Model, FileMode.Open, FileAccess.Write))
            {
                file.Write(Head);
                file.Position = Length - Tail.Length;
                file.Write(Tail);
            }
            Assert.True(QemuImg.Compare(_path, "qcow2", Model, "raw"), "the file and the model");
        }
        else
        {
            DifferentialOperation.AssertSame(Head, Extract(0, Head.Length), 0, "the start of the file");
            DifferentialOperation.AssertSame(Tail, Extract(Length - Tail.Length, Tail.Length), Length - Tail.Length, "the end of the file");
        }
        AssertHeader(row);
    }

    // What writing may change is the place of the refcount table, autoclear bits, and the incompatible bits that the row says.
    private void AssertHeader(MatrixRow row)
    {
        byte[] expected = (byte[])_header.Clone(), found = ReadHeader(_path);
        found.AsSpan(48, 12).Clear();
        expected.AsSpan(48, 12).Clear();
        if (expected[7] == 3)
        {
            Span<byte> incompatible = expected.AsSpan(72, 8);
            BinaryPrimitives.WriteUInt64BigEndian(incompatible, BinaryPrimitives.ReadUInt64BigEndian(incompatible) & ~row.Clears);
            expected.AsSpan(88, 8).Clear();
        }
        DifferentialOperation.AssertSame(expected, found, 0, "the header");
    }

    private static byte[] ReadHeader(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] header = new byte[65536];
        file.ReadExactly(header.AsSpan(0, 512));
        int cluster = Math.Min(1 << header[23], header.Length);
        file.ReadAtLeast(header.AsSpan(512, cluster - 512), cluster - 512, throwOnEndOfStream: false);
        return header[..cluster];
    }

    private byte[] Whole(long offset, int length)
    {
        byte[] bytes = new byte[length];
        using FileStream file = new(Model, FileMode.Open, FileAccess.Read);
        file.Position = offset;
        file.ReadExactly(bytes);
        return bytes;
    }

    private byte[] Extract(long offset, int length)
    {
        if (length == 0) return [];
        string part = _path + ".part";
        string options = string.Create(CultureInfo.InvariantCulture,
            $"driver=raw,offset={offset},size={length},file.driver=qcow2,file.file.driver=file,file.file.filename={_path}");
        QemuImg.Run("convert", "-U", "--image-opts", "-O", "raw", options, part).EnsureSuccess();
        return File.ReadAllBytes(part);
    }
}
