using Microsoft.Extensions.Hosting;
using Serilog;

namespace Qcow2Target.Server.Hosting;

/// <summary>How the process ends: 0 after a clean shutdown, 1 after a fault that is logged here.</summary>
internal sealed class DaemonExit(IHostApplicationLifetime lifetime)
{
    private volatile int _code;

    public int Code => _code;

    /// <summary>Ends the daemon in good order, with an exit code that lets the service manager start it again.</summary>
    public void Fail(string reason)
    {
        Log.Fatal("{Reason:l}", reason);
        _code = 1;
        lifetime.StopApplication();
    }
}
