using System.ComponentModel;
using System.Runtime.InteropServices;
using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Io;

/// <summary>Puts a new image into the file system: whole or not at all.</summary>
public static class NewImageFile
{
    /// <summary>Makes an image beside <paramref name="path"/>, syncs it and renames it into place.</summary>
    /// <exception cref="IOException">The file is there already, or it could not be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory cannot be written.</exception>
    /// <exception cref="ArgumentException">The options contradict each other or a limit.</exception>
    public static void Create(string path, ImageCreateOptions options)
    {
        var fresh = path + ".new";
        File.WriteAllBytes(fresh, []);
        var descriptor = Libc.Open(fresh, Libc.O_RDWR | Libc.O_CLOEXEC);
        if (descriptor < 0)
        {
            var error = new Win32Exception(Marshal.GetLastPInvokeError());
            throw new IOException($"cannot open {fresh}: {error.Message}", error);
        }
        using (var file = new LinuxBlockFile(new FileDescriptor(descriptor), fresh))
            ImageCreator.Create(file, options);
        File.Move(fresh, path, overwrite: false);
    }
}
