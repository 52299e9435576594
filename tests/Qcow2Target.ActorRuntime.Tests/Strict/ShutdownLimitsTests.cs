namespace Qcow2Target.ActorRuntime.Tests.Strict;

/// <summary>What this runtime refuses by name where Akka goes on.</summary>
public sealed class ShutdownLimitsTests
{
    [Theory]
    [InlineData("akka.coordinated-shutdown.exit-clr = on")]
    [InlineData("akka.loglevel = \"LOUD\"")]
    [InlineData("akka.loggers = [\"No.Such.Logger, Nowhere\"]")]
    [InlineData("akka.logger-formatter = \"No.Such.Formatter, Nowhere\"")]
    [InlineData("akka.actor.guardian-supervisor-strategy = \"Mine\"")]
    public void Settings_that_cannot_be_kept_are_refused(string settings) =>
        Assert.Throws<ConfigurationException>(() => ActorSystem.Create("refused", settings));
}
