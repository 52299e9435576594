namespace Qcow2Target.Qcow2.Format;

/// <summary>How the compressed clusters of an image are encoded (header byte 104). Others are refused.</summary>
public enum CompressionType : byte
{
    /// <summary>Raw deflate streams, called zlib by the tools.</summary>
    Deflate = 0,

    /// <summary>Zstandard frames; set together with incompatible feature bit 3.</summary>
    Zstd = 1,
}
