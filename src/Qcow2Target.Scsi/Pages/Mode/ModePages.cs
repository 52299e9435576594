namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>The mode pages of a disk.</summary>
internal static class ModePages
{
    public const byte AllPages = 0x3F;
    public const byte AllSubpages = 0xFF;

    /// <summary>SPF: the page has a subcode and a two-byte length.</summary>
    public const byte SubpageFormat = 0x40;

    // Ascending by code and subcode.
    private static readonly ModePage[] Pages =
    [
        new ZeroModePage(0x01, 0x0C),        // read-write error recovery: the host's file system does it
        new ZeroModePage(0x02, 0x10),        // disconnect-reconnect: no limits
        new CachingPage(),
        new ControlPage(),
        new ControlExtensionPage(),
        new InformationalExceptionsPage(),
    ];

    public static ModePage? Find(byte code, byte subcode) => Array.Find(Pages, page => page.Code == code && page.Subcode == subcode);

    /// <summary>The pages that a MODE SENSE for this code and subcode asks for; none when there is no such page.</summary>
    /// <remarks>Of all pages, only page 0 or all subpages can be asked for (SPC-4 table 161).</remarks>
    public static ModePage[] Select(byte code, byte subcode) => code == AllPages && subcode is not (0 or AllSubpages)
        ? []
        : Array.FindAll(Pages, page => (code == AllPages || page.Code == code) && (subcode == AllSubpages || page.Subcode == subcode));
}
