using System.Runtime.InteropServices;
using Serilog;

namespace Qcow2Target.Server.Hosting;

/// <summary>The first SIGTERM or SIGINT shuts down in good order (the host's doing); a second one ends the process at once.</summary>
internal sealed class SecondSignal : IDisposable
{
    private const int ExitCode = 130;

    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    public SecondSignal() =>
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count), PosixSignalRegistration.Create(PosixSignal.SIGINT, Count)];

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void Count(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) < 2)
            return;
        Log.Fatal("a second signal: ending at once, what is not on disk is lost");
        Log.CloseAndFlush();
        Interop.Libc.ExitNow(ExitCode);
    }
}
