namespace Qcow2Target.ActorTestKit;

/// <summary><c>akka.test</c> of the configuration.</summary>
internal sealed class TestSettings
{
    public static readonly Config Reference = ConfigurationFactory.ParseString($$"""
        akka {
          loggers = ["{{typeof(TestEventListener).AssemblyQualifiedName}}"]
          test {
            timefactor = 1.0
            filter-leeway = 3 s
            single-expect-default = 3 s
          }
        }
        """);

    static TestSettings() => LoggerTypes.Register("Akka.TestKit.TestEventListener, Akka.TestKit", typeof(TestEventListener));

    public TestSettings(Config config)
    {
        Config own = config.WithFallback(Reference).GetConfig("akka.test");
        TimeFactor = own.GetDouble("timefactor");
        SingleExpectDefault = own.GetTimeSpan("single-expect-default");
        FilterLeeway = own.GetTimeSpan("filter-leeway");
    }

    public double TimeFactor { get; }

    public TimeSpan SingleExpectDefault { get; }

    public TimeSpan FilterLeeway { get; }
}
