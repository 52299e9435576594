namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>What a generation of a block holds.</summary>
internal enum BlockContent
{
    /// <summary>Stamped data.</summary>
    Stamped,

    /// <summary>Zeros, by UNMAP or WRITE SAME with the UNMAP bit.</summary>
    Zeros,
}
