namespace Qcow2Target.Qcow2.Check;

/// <summary>One L2 table and who points to it.</summary>
/// <param name="Cluster">Host cluster where it lies.</param>
/// <param name="Where">Byte of the file where one L1 entry that names it stands; one of the active layer, where there is one.</param>
/// <param name="Active">Entries of the active L1 table that name it.</param>
/// <param name="Total">Those and the entries of all snapshots.</param>
internal readonly record struct TableUse(long Cluster, long Where, int Active, int Total);

/// <summary>Collects the L1 entries of the active layer and of all snapshots, and says of each L2 table how often it is named. 16 bytes an entry.</summary>
internal sealed class TableReferences
{
    private readonly List<(long Key, long Where)> _references = [];

    /// <summary>Entries collected.</summary>
    internal int Count => _references.Count;

    internal void Add(long cluster, long where, bool active) => _references.Add(((cluster << 1) | (active ? 0L : 1L), where));

    /// <summary>In the order of the file. Nothing may be added any more.</summary>
    internal List<TableUse> Tables()
    {
        _references.Sort();
        var tables = new List<TableUse>();
        foreach (var (key, where) in _references)
        {
            var active = (key & 1) == 0 ? 1 : 0;
            if (tables.Count > 0 && tables[^1] is var last && last.Cluster == key >> 1)
                tables[^1] = last with { Active = last.Active + active, Total = last.Total + 1 };
            else tables.Add(new TableUse(key >> 1, where, active, 1));
        }
        return tables;
    }
}
