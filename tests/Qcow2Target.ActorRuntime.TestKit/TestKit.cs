namespace Qcow2Target.ActorTestKit;

/// <summary>Base of a test class with an actor system of its own, which ends with the test.</summary>
public class TestKit : TestKitBase, IDisposable
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(10);

    public TestKit(ActorSystem system = null, ITestOutputHelper output = null)
        : base(system ?? Make(Config.Empty, null, output), "testActor") => BecomeSender();

    public TestKit(Config config, string actorSystemName = null, ITestOutputHelper output = null)
        : base(Make(config, actorSystemName, output), "testActor") => BecomeSender();

    public TestKit(string config, ITestOutputHelper output = null)
        : this(ConfigurationFactory.ParseString(config), null, output)
    {
    }

    public void Dispose()
    {
        try
        {
            AfterAll();
        }
        finally
        {
            if (SynchronizationContext.Current is TestActorSynchronizationContext) SynchronizationContext.SetSynchronizationContext(null);
            ActorCell.Current = null;
            if (!Sys.Terminate().Wait(ShutdownLimit)) Log.Warning("The actor system {0} did not end within {1}", Sys.Name, ShutdownLimit);
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Runs after each test, before the system ends.</summary>
    protected virtual void AfterAll()
    {
    }

    private static ActorSystem Make(Config config, string name, ITestOutputHelper output)
    {
        ActorSystem system = ActorSystem.Create(name ?? "test", config.WithFallback(TestSettings.Reference));
        if (output is null) return system;
        IActorRef logger = ((LocalActorSystem)system).SystemActorOf(Props.Create(() => new TestOutputLogger(output)), "test-output");
        system.EventStream.Subscribe(logger, typeof(LogEvent));
        return system;
    }

    /// <summary>From here on what this test tells comes from its test actor.</summary>
    private void BecomeSender()
    {
        ActorCell cell = ((LocalActorRef)TestActor).Cell;
        ActorCell.Current = cell;
        SynchronizationContext.SetSynchronizationContext(new TestActorSynchronizationContext(cell));
    }
}
