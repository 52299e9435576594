namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>Parts of 100 of each operation; what is left are reads.</summary>
/// <param name="LongestRun">In blocks of 4096 bytes.</param>
internal sealed record LoadMix(int Writes, int Unmaps, int Flushes, int LongestRun);
