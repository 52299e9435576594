using System.Runtime.InteropServices;
using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>A folder of the file system, for its owner's eyes only: the logs tell where guest data lies.</summary>
internal sealed class LinuxPendingFolder : IPendingFolder
{
    private const UnixFileMode Ours = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ZerosAtOnce = 64 << 10;

    /// <param name="path">Made where it is not there.</param>
    internal LinuxPendingFolder(string path)
    {
        Path = path;
        Directory.CreateDirectory(path, Ours | UnixFileMode.UserExecute);
    }

    public string Path { get; }

    public IReadOnlyList<string> List() => Try("list", "", () => Directory.EnumerateFiles(Path).Select(file => System.IO.Path.GetFileName(file)).ToList());

    public IBlockFile Create(string name, long bytes)
    {
        Try("make", name, () =>
        {
            using var made = new FileStream(In(name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Ours });
            return true;
        });
        try
        {
            var descriptor = OpenDescriptor(name) ?? throw Failed("make", name, Libc.ENOENT);
            var file = new LinuxBlockFile(descriptor, In(name));
            GiveSpace(name, descriptor, file, bytes);
            return file;
        }
        catch
        {
            Remove(name);
            throw;
        }
    }

    public IBlockFile? Open(string name) => OpenDescriptor(name) is { } descriptor ? new LinuxBlockFile(descriptor, In(name)) : null;

    public void Rename(string name, string newName) => Try("rename", name, () =>
    {
        File.Move(In(name), In(newName), overwrite: true);
        return true;
    });

    public void Remove(string name) => Try("remove", name, () =>
    {
        File.Delete(In(name));
        return true;
    });

    private FileDescriptor? OpenDescriptor(string name)
    {
        while (true)
        {
            var descriptor = Libc.Open(In(name), Libc.O_RDWR | Libc.O_CLOEXEC);
            if (descriptor >= 0) return new FileDescriptor(descriptor);
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Libc.ENOENT) return null;
            if (errno != Libc.EINTR) throw Failed("open", name, errno);
        }
    }

    private void GiveSpace(string name, FileDescriptor descriptor, LinuxBlockFile file, long bytes)
    {
        try
        {
            while (Libc.Fallocate(descriptor, 0, 0, bytes) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.EINTR) continue;
                if (errno is not (Libc.EOPNOTSUPP or Libc.ENOSYS)) throw Failed("give space to", name, errno);
                var zeros = new byte[ZerosAtOnce];
                for (long offset = 0; offset < bytes; offset += ZerosAtOnce) file.Write(offset, zeros.AsSpan(0, (int)Math.Min(ZerosAtOnce, bytes - offset)));
                return;
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private BlockFileException Failed(string verb, string name, int errno) =>
        new(errno is Libc.ENOSPC or Libc.EDQUOT ? BlockFileError.NoSpace : BlockFileError.Io, $"cannot {verb} '{In(name)}': {Marshal.GetPInvokeErrorMessage(errno)}");

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private T Try<T>(string verb, string name, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BlockFileException(BlockFileError.Io, $"cannot {verb} '{In(name)}': {exception.Message}", exception);
        }
    }
}
