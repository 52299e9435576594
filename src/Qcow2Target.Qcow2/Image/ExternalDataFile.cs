using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The file beside an image that holds its guest's data, each byte at its guest offset (qcow2 incompatible feature bit 2). Its clusters are not
/// counted, and never move. Owns the file.
/// </summary>
internal sealed class ExternalDataFile : IDisposable
{
    private readonly OpenedFile _file;

    private ExternalDataFile(OpenedFile file, bool isRaw) => (_file, IsRaw) = (file, isRaw);

    internal IBlockFile File => _file.File;

    internal string Path => _file.Path;

    /// <summary>
    /// The file by itself is a raw image of the disk (autoclear bit 1), and stays one: what reads as zeros is zeros there before an entry says so.
    /// </summary>
    internal bool IsRaw { get; }

    /// <summary>Opens the data file that a header names; null: its image holds its data itself.</summary>
    /// <exception cref="Qcow2FormatException">It names itself.</exception>
    /// <exception cref="ImageFileException">It is not there, not allowed or in use.</exception>
    internal static ExternalDataFile? Open(OpenedFile image, ImageHeader header, IImageFiles files, ImageAccess access)
    {
        if (!header.Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile)) return null;
        var role = access == ImageAccess.ReadWrite ? ImageRole.DataReadWrite : ImageRole.Backing;
        var file = files.Open(files.ResolveDataFile(image.Path, header.DataFileName!, role), role);
        if (file.Identity != image.Identity) return new ExternalDataFile(file, header.HasRawDataFile);
        file.Dispose();
        throw new Qcow2FormatException(Qcow2FormatError.Malformed, header.Find(HeaderExtensionType.DataFileName)!.Offset, $"'{image.Path}' names itself as its external data file");
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>
/// An image file whose syncs cover its external data file, data first: whatever waits for a sync before it writes a pointer has the data
/// behind the pointer on stable storage, too. Owns neither.
/// </summary>
internal sealed class FileWithData(IBlockFile image, IBlockFile data) : IBlockFile
{
    public long Length => image.Length;

    public bool TryRead(long offset, Span<byte> destination) => image.TryRead(offset, destination);

    public void Read(long offset, Span<byte> destination) => image.Read(offset, destination);

    public void Write(long offset, ReadOnlySpan<byte> source) => image.Write(offset, source);

    public bool Punch(long offset, long length) => image.Punch(offset, length);

    public void Sync()
    {
        data.Sync();
        image.Sync();
    }

    public void Dispose()
    {
    }
}
