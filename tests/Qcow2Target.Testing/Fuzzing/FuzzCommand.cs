namespace Qcow2Target.Testing.Fuzzing;

/// <summary>A command as a fuzzer makes it up: nothing of it need fit together.</summary>
/// <param name="Lun">The 8-byte LUN field, big-endian.</param>
/// <param name="Cdb">0 to 260 bytes.</param>
/// <param name="DataOut">What is sent with it.</param>
/// <param name="DataIn">Bytes that the initiator is ready to take.</param>
public sealed record FuzzCommand(ulong Lun, byte[] Cdb, byte[] DataOut, int DataIn);
