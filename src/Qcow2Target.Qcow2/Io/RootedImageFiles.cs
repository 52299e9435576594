using System.Runtime.InteropServices;
using System.Text;
using Qcow2Target.Interop;

namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// The files below the configured roots, and no others. A path is made canonical first and must then lie in a root; it is opened below that root
/// without following any link, so what was checked is what is opened, and its type is looked at before it is opened for data. The most specific root
/// decides: in a disks root images may be attached and be bases, in a backing root they may only be bases.
/// </summary>
public sealed class RootedImageFiles : IImageFiles
{
    private readonly string _relativeBase;
    private readonly Root[] _roots;

    /// <param name="disksRoots">At least one; relative paths to attach belong to the first. They need not exist yet.</param>
    /// <param name="backingRoots">Roots of images that may be bases but not be attached.</param>
    /// <exception cref="ArgumentException">No disks root, or one directory given as both.</exception>
    public RootedImageFiles(IReadOnlyList<string> disksRoots, IReadOnlyList<string> backingRoots)
    {
        if (disksRoots.Count == 0) throw new ArgumentException("at least one disks root is needed", nameof(disksRoots));
        _roots = [.. disksRoots.Select(path => new Root(Absolute(path), RootKind.Disks)), .. backingRoots.Select(path => new Root(Absolute(path), RootKind.Backing))];
        _relativeBase = _roots[0].Path;
        var both = _roots.GroupBy(root => root.Path, StringComparer.Ordinal).FirstOrDefault(same => same.DistinctBy(root => root.Kind).Count() > 1);
        if (both is not null) throw new ArgumentException($"'{both.Key}' is given as a disks root and as a backing root", nameof(backingRoots));
    }

    /// <inheritdoc/>
    public OpenedFile Open(string path, ImageRole role)
    {
        var place = Find(path, role);
        using var root = OpenRoot(path, place);
        var expected = Probe(root, path, place);
        var file = OpenBelow(root, path, place, role is ImageRole.ActiveReadWrite or ImageRole.DataReadWrite ? Libc.O_RDWR : Libc.O_RDONLY);
        try
        {
            if (StatusOf(file, path) != expected) throw Refused(ImageFileError.Io, path, "was replaced by another file while it was opened; try again");
            ImageLocks.Take(file, role, path);
            return new OpenedFile(new LinuxBlockFile(file, place.Spelled), place.Spelled, expected.Identity);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Which file <see cref="Open"/> would open, by the same rules but without opening it for data or taking a lock.</summary>
    /// <exception cref="ImageFileException">It would be refused.</exception>
    public FileIdentity Identify(string path, ImageRole role)
    {
        var place = Find(path, role);
        using var root = OpenRoot(path, place);
        return Probe(root, path, place).Identity;
    }

    /// <inheritdoc/>
    public string ResolveBacking(string overlayPath, string backingName) => Resolve(overlayPath, backingName, ImageRole.Backing);

    /// <inheritdoc/>
    public string ResolveDataFile(string imagePath, string name, ImageRole role) => Resolve(imagePath, name, role);

    private string Resolve(string overlayPath, string backingName, ImageRole role)
    {
        RefuseUnlessPlain(backingName);
        if (backingName.StartsWith('/')) return Find(backingName, role).Spelled;

        // QEMU looks beside the overlay as it was spelled, people expect it beside the file a link points to: where that differs, nobody can tell.
        var besideName = Path.GetDirectoryName(overlayPath) + "/" + backingName;
        var target = Canonical(overlayPath, out _);
        var besideTarget = target is null ? besideName : Path.GetDirectoryName(target) + "/" + backingName;
        if (besideTarget == besideName || Canonical(besideTarget, out _) is null) return Find(besideName, role).Spelled;
        if (Canonical(besideName, out _) is null) return Find(besideTarget, role).Spelled;
        if (Identify(besideName, role) == Identify(besideTarget, role)) return Find(besideName, role).Spelled;
        throw Refused(ImageFileError.AmbiguousBacking, backingName,
            $"is ambiguous: '{overlayPath}' is a link, and '{besideName}' and '{besideTarget}' are different files; attach the image by its real path '{target}'");
    }

    private static string Absolute(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>QEMU takes what stands before a colon in the first part of a name for a protocol; so that a name means one thing, it is refused.</summary>
    private static void RefuseUnlessPlain(string path)
    {
        if (path.Length == 0) throw new ImageFileException(ImageFileError.NotFound, path, "the path is empty");
        if (path.Contains('\0', StringComparison.Ordinal)) throw Refused(ImageFileError.NotFound, path.Replace('\0', '?'), "contains a NUL character");
        var firstPart = path.AsSpan(0, path.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? slash : path.Length);
        if (firstPart.IndexOf(':') is >= 0 and var colon)
        {
            throw Refused(ImageFileError.ProtocolName, path,
                $"begins with the protocol prefix '{firstPart[..(colon + 1)]}': only plain file names are served (write './{path}' for a file of that name)");
        }
    }

    private Place Find(string path, ImageRole role)
    {
        RefuseUnlessPlain(path);
        var absolute = path.StartsWith('/') ? path : _relativeBase + "/" + path;
        var canonical = Canonical(absolute, out var errno);
        // Of what lies outside the roots nothing is told, not even whether it exists.
        if (RootOf(canonical ?? NearestExisting(absolute)) is not { } root)
            throw Refused(ImageFileError.OutsideRoots, path, $"leads outside the configured roots ({string.Join(", ", _roots.Select(known => known.Path))})");
        if (canonical is null) throw Failed(path, errno, "cannot be found");
        if (root.Kind == RootKind.Backing && role != ImageRole.Backing)
            throw Refused(ImageFileError.BackingOnly, path, $"lies in the backing root {root.Path}: its images may be bases, but not be attached; make an overlay in a disks root");
        var directory = Canonical(Path.GetDirectoryName(absolute.TrimEnd('/')) ?? "/", out _) ?? Path.GetDirectoryName(canonical)!;
        return new Place(root.Path, canonical[root.Path.Length..].TrimStart('/'), Path.Join(directory, Path.GetFileName(absolute)));
    }

    private Root? RootOf(string canonical)
    {
        Root? best = null;
        foreach (var configured in _roots)
        {
            // Anew each time: a root may be a link or a mount point that changed since the start.
            if (Canonical(configured.Path, out _) is not { } path) continue;
            var isInside = path == "/" || (canonical.StartsWith(path, StringComparison.Ordinal) && (canonical.Length == path.Length || canonical[path.Length] == '/'));
            // Two names of one directory: the stricter kind holds.
            if (isInside && (best is null || path.Length > best.Path.Length || (path.Length == best.Path.Length && configured.Kind == RootKind.Backing)))
                best = new Root(path, configured.Kind);
        }
        return best;
    }

    private static string NearestExisting(string absolute)
    {
        for (var parent = absolute; parent.LastIndexOf('/') is > 0 and var slash;)
        {
            parent = parent[..slash];
            if (Canonical(parent, out _) is { } canonical) return canonical;
        }
        return "/";
    }

    private static unsafe string? Canonical(string path, out int errno)
    {
        var resolved = stackalloc byte[Libc.PathMax];
        errno = 0;
        if (Libc.Realpath(path, resolved) is not null) return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(resolved));
        errno = Marshal.GetLastPInvokeError();
        return null;
    }

    private static FileDescriptor OpenRoot(string path, Place place)
    {
        var root = new FileDescriptor(Libc.Open(place.Root, Libc.O_PATH | Libc.O_CLOEXEC));
        return root.IsInvalid ? throw Failed(path, Marshal.GetLastPInvokeError(), "cannot be found") : root;
    }

    /// <summary>Looks at the file without opening it: the open of a device or of a FIFO may do things.</summary>
    private static FileStatus Probe(FileDescriptor root, string path, Place place)
    {
        if (place.Relative.Length == 0) throw Refused(ImageFileError.NotRegularFile, path, "is the root itself, a directory");
        using var probe = OpenBelow(root, path, place, Libc.O_PATH);
        var status = StatusOf(probe, path);
        return status.IsStorage ? status : throw Refused(ImageFileError.NotRegularFile, path, $"is {status.Description}, neither a regular file nor a block device");
    }

    private static FileDescriptor OpenBelow(FileDescriptor root, string path, Place place, int mode)
    {
        // O_PATH takes no O_NONBLOCK; the others need it in case the file has become a FIFO since it was looked at.
        var flags = mode | Libc.O_CLOEXEC | (mode == Libc.O_PATH ? 0 : Libc.O_NONBLOCK);
        var how = new OpenHow { Flags = (ulong)flags, Resolve = Libc.RESOLVE_BENEATH | Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_MAGICLINKS };
        while (true)
        {
            var file = new FileDescriptor(Libc.Openat2(root, place.Relative, how));
            if (!file.IsInvalid) return file;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Libc.EINTR) continue;
            throw errno switch
            {
                Libc.ELOOP or Libc.EXDEV => Refused(ImageFileError.OutsideRoots, path, "became a link while it was opened"),
                Libc.ENOSYS => Refused(ImageFileError.Io, path, "cannot be opened safely: the kernel has no openat2(2) (Linux 5.6 and later have)"),
                _ => Failed(path, errno, "cannot be opened"),
            };
        }
    }

    private static FileStatus StatusOf(FileDescriptor file, string path) =>
        FileStatus.TryRead(file, out var status, out var errno) ? status : throw Failed(path, errno, "cannot be looked at");

    private static ImageFileException Failed(string path, int errno, string what)
    {
        var (error, advice) = errno switch
        {
            Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP or Libc.ENAMETOOLONG => (ImageFileError.NotFound, ""),
            Libc.EACCES or Libc.EPERM => (ImageFileError.PermissionDenied, "; give the daemon's user the rights"),
            Libc.EROFS => (ImageFileError.PermissionDenied, "; attach it read-only"),
            Libc.ETXTBSY => (ImageFileError.InUse, ""),
            Libc.EMFILE or Libc.ENFILE => (ImageFileError.Io, "; raise the limit of open files"),
            _ => (ImageFileError.Io, ""),
        };
        return Refused(error, path, $"{what}: {Marshal.GetPInvokeErrorMessage(errno)}{advice}");
    }

    private static ImageFileException Refused(ImageFileError error, string path, string reason) => new(error, path, $"'{path}' {reason}");

    private enum RootKind
    {
        Disks,
        Backing,
    }

    private sealed record Root(string Path, RootKind Kind);

    /// <param name="Root">Canonical path of the root.</param>
    /// <param name="Relative">The file below it, canonical; empty for the root itself.</param>
    /// <param name="Spelled">The absolute path for replies and for names beside it: its directory canonical, a link in its last part kept.</param>
    private sealed record Place(string Root, string Relative, string Spelled);
}
