namespace Qcow2Target.Iscsi;

/// <summary>Every limit of this room in one place.</summary>
public static class IscsiLimits
{
    /// <summary>Largest parameter list that a command may ask for (UNMAP, MODE SELECT, COMPARE AND WRITE of 255 blocks).</summary>
    public const int MaxParameterBytes = 1 << 20;

    /// <summary>Bytes that a receive buffer for a login needs: one Login Request (RFC 7143 13: login PDUs carry at most 8192 bytes).</summary>
    public const int LoginBufferBytes = 16 << 10;
}
