using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// The seam under the pending logs: a folder of small files that live as long as the page cache and are never synced. Safe to call from several
/// threads; all members may wait for a disk.
/// </summary>
public interface IPendingFolder
{
    /// <summary>Where it is, for messages.</summary>
    string Path { get; }

    /// <summary>The names in it.</summary>
    /// <exception cref="BlockFileException">It cannot be read.</exception>
    IReadOnlyList<string> List();

    /// <summary>Makes a file of so many bytes, all of them zero and with space of their own.</summary>
    /// <exception cref="BlockFileException">It cannot be made; nothing is left of it.</exception>
    IBlockFile Create(string name, long bytes);

    /// <summary>Opens a file. Null: there is none of that name.</summary>
    /// <exception cref="BlockFileException">It cannot be opened.</exception>
    IBlockFile? Open(string name);

    /// <exception cref="BlockFileException">It cannot be renamed.</exception>
    void Rename(string name, string newName);

    /// <summary>Removes a file; one that is not there is no fault.</summary>
    /// <exception cref="BlockFileException">It cannot be removed.</exception>
    void Remove(string name);
}
