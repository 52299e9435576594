namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>One daemon for all tests of a class that do not mind each other's targets.</summary>
public sealed class DaemonFixture : IAsyncLifetime
{
    private DaemonProcess? _daemon;

    internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync()
    {
        if (_daemon is not null) await _daemon.EndCleanlyAsync();
    }
}
