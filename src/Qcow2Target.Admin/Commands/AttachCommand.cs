using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>attach</c>: prints the LUN id and nothing else, so that <c>lun=$(qcow2targetadmin attach ...)</c> holds it.</summary>
internal static class AttachCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        Option<string> diskPath = AdminOptions.DiskPath();
        Option<long?> lunId = AdminOptions.LunId("LUN id to give the disk; the lowest free one if left out.");
        var serial = new Option<string?>("--serial")
        {
            Description = "Serial number that initiators see; one made by the daemon if left out.",
            HelpName = "TEXT",
        };
        var readOnly = new Option<bool>("--read-only") { Description = "Let initiators read the disk and not write it; no byte of the file changes." };
        var detectZeroes = new Option<bool>("--detect-zeroes")
        {
            Description = "Let whole clusters of zeros that initiators write take no space.",
        };
        var discardPending = new Option<bool>("--discard-pending")
        {
            Description = "Give up writes that a killed daemon had completed and that are not in the image, where their log is not to be had.",
        };
        var removable = new Option<bool>("--removable") { Description = "Let initiators eject and load the disk like a removable medium." };
        var physicalBlockSize = new Option<long?>("--physical-block-size")
        {
            Description = "Physical block size that initiators see, in bytes: 512 or 4096; the daemon's own if left out.",
            HelpName = "BYTES",
        };
        var command = new Command("attach", "Attach a qcow2 disk to a target and print its LUN id.")
        {
            targetName, diskPath, lunId, serial, readOnly, detectZeroes, discardPending, removable, physicalBlockSize,
        };
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<AttachReply>(
            parsed,
            new AttachRequest(
                parsed.GetRequiredValue(targetName), parsed.GetRequiredValue(diskPath), parsed.GetValue(lunId), parsed.GetValue(serial),
                parsed.GetValue(readOnly) ? DiskAccess.ReadOnly : DiskAccess.ReadWrite,
                parsed.GetValue(detectZeroes) ? ZeroPolicy.Unmap : ZeroPolicy.Write,
                parsed.GetValue(discardPending) ? PendingPolicy.Discard : PendingPolicy.Keep,
                parsed.GetValue(removable) ? DiskMedium.Removable : DiskMedium.Fixed,
                parsed.GetValue(physicalBlockSize)),
            (output, reply) => output.WriteLine(reply.LunId),
            cancellationToken));
        return command;
    }
}
