using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Qcow2Target.ActorRuntime.Tests.Hosting;

public sealed class AkkaHostingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_system_lives_and_dies_with_the_host()
    {
        var order = new List<string>();
        using IHost host = Build(akka => akka
            .WithActors((system, registry) =>
            {
                order.Add("starter");
                registry.Register<Echo>(system.ActorOf(Props.Create(() => new Echo()), "echo"));
            })
            .AddStartup((_, _) => order.Add("startup")));
        await host.StartAsync();
        Assert.Equal(["starter", "startup"], order);
        IActorRef echo = host.Services.GetRequiredService<IRequiredActor<Echo>>().ActorRef;
        Assert.Equal("hi", await echo.Ask<string>("hi", Limit));
        Assert.Equal(echo, await host.Services.GetRequiredService<IRequiredActor<Echo>>().GetAsync());
        ActorSystem system = host.Services.GetRequiredService<ActorSystem>();
        Assert.Same(host.Services.GetRequiredService<ActorRegistry>(), ActorRegistry.For(system));
        await host.StopAsync();
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_starter_that_throws_fails_the_start()
    {
        using IHost host = Build(akka => akka.WithActors((_, _) => throw new InvalidOperationException("no start")));
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
    }

    [Fact]
    public async Task A_system_that_ends_by_itself_stops_the_host()
    {
        using IHost host = Build(_ => { });
        await host.StartAsync();
        var stopping = new TaskCompletionSource();
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => stopping.SetResult());
        await host.Services.GetRequiredService<ActorSystem>().Terminate().WaitAsync(Limit);
        await stopping.Task.WaitAsync(Limit);
    }

    [Fact]
    public async Task Configuration_joins_by_mode()
    {
        using IHost host = Build(akka => akka
            .AddHocon("a = 1\nb = 1\nakka.actor.ask-timeout = 1 s", HoconAddMode.Prepend)
            .AddHocon("b = 2\nc = 2", HoconAddMode.Append)
            .AddHocon("a = 3", HoconAddMode.Prepend)
            .WithActorAskTimeout(TimeSpan.FromSeconds(9)));
        await host.StartAsync();
        Settings settings = host.Services.GetRequiredService<ActorSystem>().Settings;
        Assert.Equal(3, settings.Config.GetInt("a"));
        Assert.Equal(1, settings.Config.GetInt("b"));
        Assert.Equal(2, settings.Config.GetInt("c"));
        Assert.Equal(TimeSpan.FromSeconds(9), settings.AskTimeout);
        await host.StopAsync();
    }

    [Fact]
    public async Task Loggers_are_configured_over_the_text()
    {
        using IHost host = Build(akka => akka
            .AddHocon("akka.loglevel = DEBUG", HoconAddMode.Prepend)
            .ConfigureLoggers(loggers =>
            {
                loggers.LogLevel = LogLevel.ErrorLevel;
                loggers.ClearLoggers();
            }));
        await host.StartAsync();
        Assert.Equal("ERROR", host.Services.GetRequiredService<ActorSystem>().Settings.LogLevel, ignoreCase: true);
        await host.StopAsync();
    }

    [Fact]
    public async Task The_registry_knows_what_was_registered()
    {
        using IHost host = Build(_ => { });
        await host.StartAsync();
        ActorRegistry registry = host.Services.GetRequiredService<ActorRegistry>();
        IActorRef actor = host.Services.GetRequiredService<ActorSystem>().ActorOf(Props.Create(() => new Echo()));
        Assert.False(registry.TryGet<Echo>(out _));
        Assert.Throws<MissingActorRegistryEntryException>(registry.Get<Echo>);
        Task<IActorRef> awaited = registry.GetAsync<Echo>();
        Assert.True(registry.TryRegister<Echo>(actor));
        Assert.Equal(actor, await awaited.WaitAsync(Limit));
        Assert.Equal(actor, registry.Get<Echo>());
        Assert.False(registry.TryRegister<Echo>(actor));
        Assert.Throws<DuplicateActorRegistryException>(() => registry.Register<Echo>(actor));
        registry.Register<Echo>(actor, overwrite: true);
        await host.StopAsync();
    }

    private static IHost Build(Action<AkkaConfigurationBuilder> configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddAkka("hosted", akka =>
        {
            akka.AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Append);
            configure(akka);
        });
        return builder.Build();
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }
}
