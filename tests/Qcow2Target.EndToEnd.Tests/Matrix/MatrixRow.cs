using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>How an image of the matrix is served.</summary>
internal enum Served
{
    /// <summary>Read-write.</summary>
    Writable,

    /// <summary>Read-only; refused for writing with the reason.</summary>
    ReadOnly,

    /// <summary>Refused both ways, with the reason.</summary>
    Refused,
}

/// <summary>One row of the test matrix: an image as the tools make it or as somebody bent it, and what is expected of it.</summary>
/// <param name="Name">Number in the matrix, perhaps a letter, and what it is about.</param>
/// <param name="Script">Shell commands that make the disks, in a directory of their own, after <see cref="MatrixFixture.Preamble"/>.</param>
internal sealed record MatrixRow(string Name, Served Served, string Script)
{
    /// <summary>The files that are attached, each in its turn.</summary>
    public string[] Disks { get; init; } = ["t.qcow2"];

    /// <summary>Words that the refusal has.</summary>
    public string Refusal { get; init; } = "";

    /// <summary>What qemu-img check may say after the detach.</summary>
    public CheckVerdict[] Verdicts { get; init; } = [CheckVerdict.Clean];

    /// <summary>Bytes of the disk that the initiator sees, where the row is about that.</summary>
    public long? Capacity { get; init; }

    /// <summary>Internal snapshots that must keep their content.</summary>
    public string[] Snapshots { get; init; } = [];

    /// <summary>First guest byte and length of what cannot be read; all around it reads as <see cref="Around"/> says.</summary>
    public (long Offset, int Length)? Unreadable { get; init; }

    /// <summary>Where QEMU reads it otherwise on purpose: the bytes from the start of the disk on, zeros behind.</summary>
    public byte[]? Around { get; init; }

    /// <summary>Bits of the incompatible word that writing clears.</summary>
    public ulong Clears { get; init; }

    /// <summary>Looked at when all is done; the argument is the path of the disk.</summary>
    public Action<string>? Afterwards { get; init; }

    public static TheoryData<string> NamesOf(MatrixRow[] rows)
    {
        TheoryData<string> names = [];
        foreach (MatrixRow row in rows) names.Add(row.Name);
        return names;
    }
}
