namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// How an image finds and opens files: the host's rules (roots, links, file types, QEMU's locks) stand behind it, so that the image
/// itself knows names only as its header spells them. Safe to call from several threads; both members may wait for a disk.
/// </summary>
public interface IImageFiles
{
    /// <summary>
    /// Opens <paramref name="path"/> below the roots and takes the locks of its <paramref name="role"/> before a byte is read.
    /// The caller owns what it gets and disposes it, which gives the locks back.
    /// </summary>
    /// <exception cref="ImageFileException">The file is not there, not allowed, of the wrong type or in use.</exception>
    OpenedFile Open(string path, ImageRole role);

    /// <summary>
    /// The path to open for the backing file that the image at <paramref name="overlayPath"/> (an <see cref="OpenedFile.Path"/>) names
    /// <paramref name="backingName"/> in its header: relative names lie beside the overlay.
    /// </summary>
    /// <exception cref="ImageFileException">A name with a protocol prefix, an ambiguous one, or one that leads outside the roots.</exception>
    string ResolveBacking(string overlayPath, string backingName);

    /// <summary>The path to open for the external data file that an image names in its header: found as a backing file is.</summary>
    /// <param name="role">As what it will be opened: <see cref="ImageRole.DataReadWrite"/> or <see cref="ImageRole.Backing"/>.</param>
    /// <exception cref="ImageFileException">As for a backing file.</exception>
    string ResolveDataFile(string imagePath, string name, ImageRole role) => ResolveBacking(imagePath, name);
}

/// <summary>What a file is opened as: decides its open mode and which locks are taken.</summary>
public enum ImageRole
{
    /// <summary>An attached image that is written.</summary>
    ActiveReadWrite,

    /// <summary>An attached image of which no byte is changed.</summary>
    ActiveReadOnly,

    /// <summary>A file below an overlay, or the external data file of an image that is not written: read only, shared with other overlays.</summary>
    Backing,

    /// <summary>The external data file of an image that is written.</summary>
    DataReadWrite,
}

/// <summary>Which file it is, whatever its name: two names of one file have one identity.</summary>
/// <param name="Device">st_dev.</param>
/// <param name="Inode">st_ino, which a file system gives out again when the file is gone.</param>
/// <param name="BirthTime">When it was made, in nanoseconds since 1970, which tells a reused inode; 0 where the file system does not say.</param>
public readonly record struct FileIdentity(ulong Device, ulong Inode, long BirthTime = 0);

/// <summary>An open file under its locks, with the path it was opened by (absolute, its directory canonical, a link in its last part kept) and its identity.</summary>
public sealed class OpenedFile(IBlockFile file, string path, FileIdentity identity) : IDisposable
{
    public IBlockFile File { get; } = file;

    public string Path { get; } = path;

    public FileIdentity Identity { get; } = identity;

    public void Dispose() => File.Dispose();
}
