namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>Builds what follows a page's four header bytes.</summary>
internal delegate byte[] VpdBody(in CommandContext context);

/// <summary>One vital product data page (SPC-4 7.8).</summary>
internal sealed record VpdPage(byte Code, VpdBody Body);
