namespace Qcow2Target.ActorTestKit;

/// <summary>Writes log events to the output of the test.</summary>
internal sealed class TestOutputLogger : ActorBase
{
    private readonly ITestOutputHelper _output;

    public TestOutputLogger(ITestOutputHelper output) => _output = output;

    protected override bool Receive(object message)
    {
        if (message is not LogEvent logEvent) return false;
        try
        {
            _output.WriteLine(logEvent.ToString());
        }
        catch (InvalidOperationException)
        {
            // The test is over.
        }

        return true;
    }
}
