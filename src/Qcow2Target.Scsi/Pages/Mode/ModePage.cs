namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>One mode page (SPC-4 7.5, SBC-3 6.4): its bytes, and which of them MODE SELECT may change.</summary>
internal abstract class ModePage
{
    protected ModePage(byte code, byte subcode, int bytes)
    {
        Code = code;
        Subcode = subcode;
        Bytes = bytes;
        HeaderBytes = subcode == 0 ? 2 : 4;
    }

    public byte Code { get; }

    /// <summary>0 for a page in the short format.</summary>
    public byte Subcode { get; }

    /// <summary>Length with its header.</summary>
    public int Bytes { get; }

    public int HeaderBytes { get; }

    /// <summary>The page while <paramref name="modes"/> are in force.</summary>
    public byte[] Encode(ModeParameters modes)
    {
        byte[] page = WithHeader();
        Fill(page, modes);
        return page;
    }

    /// <summary>A page with ones where it can be changed.</summary>
    public byte[] EncodeChangeable()
    {
        byte[] page = WithHeader();
        FillChangeable(page);
        return page;
    }

    /// <summary>What <paramref name="modes"/> become by a page that differs from them in changeable bits only.</summary>
    public virtual ModeParameters Apply(ReadOnlySpan<byte> page, ModeParameters modes) => modes;

    /// <summary>Fills in what follows the header; offsets are those of the page.</summary>
    protected abstract void Fill(byte[] page, ModeParameters modes);

    protected virtual void FillChangeable(byte[] page)
    {
    }

    private byte[] WithHeader()
    {
        byte[] page = new byte[Bytes];
        page[0] = Code;
        if (Subcode == 0)
        {
            page[1] = (byte)(Bytes - HeaderBytes);
            return page;
        }

        page[0] |= ModePages.SubpageFormat;
        page[1] = Subcode;
        page[2] = (byte)((Bytes - HeaderBytes) >> 8);
        page[3] = (byte)(Bytes - HeaderBytes);
        return page;
    }
}
