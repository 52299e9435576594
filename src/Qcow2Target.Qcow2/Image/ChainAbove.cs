using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The files above a layer that is being opened, nearest last: what keeps a chain from looping, and from growing without bound.</summary>
internal sealed class ChainAbove
{
    internal const int MaxDepth = 64;

    /// <summary>Tables of one chain that are held in memory whole: 128 MiB.</summary>
    internal const long MaxTableBytes = 128L << 20;

    private readonly ChainAbove? _above;
    private readonly FileIdentity _identity;
    private readonly int _depth;
    private readonly long _tableBytes;

    private ChainAbove(ChainAbove? above, FileIdentity identity, long tableBytes, DataFileUse dataFiles)
    {
        DataFiles = dataFiles;
        _above = above;
        _identity = identity;
        _depth = (above?._depth ?? 0) + 1;
        _tableBytes = (above?._tableBytes ?? 0) + tableBytes;
    }

    /// <summary>What holds for external data files in this chain.</summary>
    internal DataFileUse DataFiles { get; }

    internal static ChainAbove Active(FileIdentity identity, long tableBytes, DataFileUse dataFiles) => Below(null, identity, tableBytes, dataFiles);

    /// <summary>The chain with one more layer.</summary>
    /// <exception cref="Qcow2FormatException">The chain is too deep or its tables too large.</exception>
    internal ChainAbove Add(FileIdentity identity, long tableBytes) => Below(this, identity, tableBytes, DataFiles);

    /// <summary>Refuses a file that stands above already.</summary>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.BackingLoop"/>.</exception>
    internal void RequireNew(FileIdentity identity, string path)
    {
        for (var layer = this; layer is not null; layer = layer._above)
            if (layer._identity == identity)
                throw new Qcow2FormatException(Qcow2FormatError.BackingLoop, 8, $"backing chain loops: it comes back to '{path}'");
    }

    private static ChainAbove Below(ChainAbove? above, FileIdentity identity, long tableBytes, DataFileUse dataFiles)
    {
        var chain = new ChainAbove(above, identity, tableBytes, dataFiles);
        if (chain._depth > MaxDepth) throw new Qcow2FormatException(Qcow2FormatError.LimitExceeded, 8, $"backing chain is deeper than {MaxDepth} (limit chain-depth)");
        if (chain._tableBytes > MaxTableBytes)
            throw new Qcow2FormatException(Qcow2FormatError.LimitExceeded, 36, $"tables of the backing chain are larger than {MaxTableBytes >> 20} MiB (limit chain-table-bytes)");
        return chain;
    }
}
