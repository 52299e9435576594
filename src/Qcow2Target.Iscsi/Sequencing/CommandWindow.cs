namespace Qcow2Target.Iscsi.Sequencing;

/// <summary>
/// ExpCmdSN and MaxCmdSN of a session (RFC 7143 4.2.2.1). ExpCmdSN advances when a command is received, MaxCmdSN follows the free slots and never goes back.
/// Not thread-safe: used under the session's gate.
/// </summary>
internal sealed class CommandWindow(uint expCmdSn, int slots)
{
    private readonly HashSet<uint> _givenUp = [];
    private int _slots = slots;
    private int _taken;

    public uint ExpCmdSn { get; private set; } = expCmdSn;

    /// <summary>As the initiator has been told last.</summary>
    public uint MaxCmdSn { get; private set; } = expCmdSn + (uint)slots - 1;

    /// <summary>True where the initiator may send nothing by what it has been told, and would be told better now.</summary>
    public bool MustReopen => MaxCmdSn + 1 == ExpCmdSn && Widest() != MaxCmdSn;

    /// <summary>
    /// A PDU with this CmdSN arrived. False: ignore it. On the session's only connection nothing can overtake, so only the expected number is taken:
    /// a lower one is a repetition, a higher one lies outside the window or behind a gap that nobody will fill.
    /// </summary>
    public bool TryReceive(uint cmdSn)
    {
        if (cmdSn != ExpCmdSn || Serial.IsBefore(MaxCmdSn, cmdSn)) return false;
        ExpCmdSn++;
        PassGivenUp();
        return true;
    }

    /// <summary>
    /// An ABORT TASK of number <paramref name="before"/> is for a command that has not come: where it may still come, its number counts as received
    /// (RFC 7143 11.6.1). False: it came long ago, or never can.
    /// </summary>
    public bool TryGiveUp(uint cmdSn, uint before)
    {
        if (Serial.IsBefore(cmdSn, ExpCmdSn) || Serial.IsBefore(MaxCmdSn, cmdSn) || !Serial.IsBefore(cmdSn, before)) return false;
        _givenUp.Add(cmdSn);
        PassGivenUp();
        return true;
    }

    /// <summary>A command takes a slot.</summary>
    public void TakeSlot() => _taken++;

    /// <summary>A command has given its slot back.</summary>
    public void FreeSlot() => _taken--;

    /// <summary>The numbers leave in a PDU: as wide as the free slots allow.</summary>
    /// <param name="slots">Commands at once from now on. What was promised before stays promised.</param>
    public void Stamp(int slots)
    {
        _slots = slots;
        MaxCmdSn = Widest();
    }

    private void PassGivenUp()
    {
        while (_givenUp.Count > 0 && _givenUp.Remove(ExpCmdSn)) ExpCmdSn++;
    }

    private uint Widest() => Serial.Latest(MaxCmdSn, ExpCmdSn + (uint)Math.Max(0, _slots - _taken) - 1);
}
