using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>A raw file below an overlay. Its length is that at open: a backing file does not change while it is served.</summary>
internal sealed class RawLayer(IBlockFile file) : IImageLayer
{
    public long Length { get; } = file.Length;

    public bool TryRead(long offset, Span<byte> destination)
    {
        try
        {
            return file.TryRead(offset, destination);
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            file.Read(offset, destination);
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
    }
}
