using Qcow2Target.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Whatever initiators say, the daemon keeps to the rules, loses nothing, and is well afterwards (docs/hostile-peers.md; tests/fuzz-protocol.sh is the long form).</summary>
[Collection(HeavyCollection.Name)]
public sealed class ProtocolFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Whatever_initiators_say_the_daemon_keeps_to_the_rules()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(options: ["--log-level", "error"]);
        await new FuzzRun(daemon, FuzzOrders.FromEnvironment(), output.WriteLine).RunAsync();
    }
}
