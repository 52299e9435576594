namespace Qcow2Target.ActorRuntime.Tests.Systems;

public sealed class ActorSystemTests
{
    private const string Quiet = "akka { loglevel = OFF, stdout-loglevel = OFF }";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("a/b")]
    public void Malformed_names_are_refused(string name) => Assert.ThrowsAny<ArgumentException>(() => ActorSystem.Create(name));

    [Fact]
    public async Task All_actors_have_stopped_once_it_has_terminated()
    {
        int alive = 0;
        ActorSystem system = ActorSystem.Create("a-1", Quiet);
        var counter = new Counter(() => Interlocked.Increment(ref alive), () => Interlocked.Decrement(ref alive));
        for (int i = 0; i < 20; i++) system.ActorOf(Props.Create(() => new Counted(counter)));
        var called = new List<int>();
        system.RegisterOnTermination(() => called.Add(1));
        system.RegisterOnTermination(() => called.Add(2));
        await system.Terminate().WaitAsync(Limit);
        await system.WhenTerminated.WaitAsync(Limit);
        Assert.Equal(0, alive);
        Assert.Equal([2, 1], called);
        Assert.Throws<InvalidOperationException>(() => system.ActorOf(Props.Create(() => new Counted(counter))));
    }

    [Fact]
    public void Dispose_waits_for_the_end()
    {
        ActorSystem system = ActorSystem.Create("disposed", Quiet);
        system.Dispose();
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
    }

    [Fact]
    public void Settings_are_those_given_over_the_defaults()
    {
        using ActorSystem system = ActorSystem.Create("settings", ConfigurationFactory.ParseString("akka.actor.ask-timeout = 7 s\nmine = 1").WithFallback(Quiet));
        Assert.Equal("settings", system.Name);
        Assert.Equal(TimeSpan.FromSeconds(7), system.Settings.AskTimeout);
        Assert.Equal(1, system.Settings.Config.GetInt("mine"));
        Assert.Equal("OFF", system.Settings.LogLevel);
    }

    private sealed record Counter(Action Up, Action Down);

    private sealed class Counted : ReceiveActor
    {
        private readonly Counter _counter;

        public Counted(Counter counter)
        {
            _counter = counter;
            counter.Up();
        }

        protected override void PostStop() => _counter.Down();
    }
}
