using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace Qcow2Target.ActorRuntime;

public static class AkkaHostingExtensions
{
    /// <summary>
    /// Adds an actor system that lives and dies with the host: <see cref="ActorSystem"/>, the registry and <see cref="IRequiredActor{TActor}"/>
    /// as singletons, and the hosted service that starts and ends it.
    /// </summary>
    public static IServiceCollection AddAkka(this IServiceCollection services, string actorSystemName, Action<AkkaConfigurationBuilder> builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return services.AddAkka(actorSystemName, (akka, _) => builder(akka));
    }

    public static IServiceCollection AddAkka(
        this IServiceCollection services, string actorSystemName, Action<AkkaConfigurationBuilder, IServiceProvider> builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        services.AddSingleton(provider =>
        {
            var akka = new AkkaConfigurationBuilder();
            builder(akka, provider);
            return akka;
        });
        services.AddSingleton(provider => ActorSystem.Create(actorSystemName, provider.GetRequiredService<AkkaConfigurationBuilder>().Configuration));
        services.AddSingleton(provider => ActorRegistry.For(provider.GetRequiredService<ActorSystem>()));
        services.AddSingleton<IActorRegistry>(provider => provider.GetRequiredService<ActorRegistry>());
        services.AddSingleton<IReadOnlyActorRegistry>(provider => provider.GetRequiredService<ActorRegistry>());
        services.AddSingleton(typeof(IRequiredActor<>), typeof(RequiredActor<>));
        services.AddHostedService<AkkaHostedService>();
        return services;
    }

    public static AkkaConfigurationBuilder AddHocon(this AkkaConfigurationBuilder builder, Config hocon, HoconAddMode addMode) =>
        builder.AddConfiguration(hocon, addMode);

    public static AkkaConfigurationBuilder AddHoconFile(this AkkaConfigurationBuilder builder, string hoconFilePath, HoconAddMode addMode) =>
        builder.AddConfiguration(ConfigurationFactory.ParseString(File.ReadAllText(hoconFilePath)), addMode);

    public static AkkaConfigurationBuilder WithActorAskTimeout(this AkkaConfigurationBuilder builder, TimeSpan timeout) =>
        builder.AddConfiguration(
            timeout == Timeout.InfiniteTimeSpan
                ? "akka.actor.ask-timeout = infinite"
                : string.Create(CultureInfo.InvariantCulture, $"akka.actor.ask-timeout = {timeout.TotalMilliseconds} ms"),
            HoconAddMode.Prepend);

    public static AkkaConfigurationBuilder WithActors(this AkkaConfigurationBuilder builder, Action<ActorSystem, IActorRegistry> actorStarter)
    {
        ArgumentNullException.ThrowIfNull(actorStarter);
        return builder.AddStarter((system, registry) =>
        {
            actorStarter(system, registry);
            return Task.CompletedTask;
        });
    }

    public static AkkaConfigurationBuilder WithActors(this AkkaConfigurationBuilder builder, ActorStarter actorStarter) => builder.AddStarter(actorStarter);

    /// <summary>Level, loggers and formatter; they win over what was added before.</summary>
    public static AkkaConfigurationBuilder ConfigureLoggers(this AkkaConfigurationBuilder builder, Action<LoggerConfigBuilder> configurator)
    {
        var loggers = new LoggerConfigBuilder();
        configurator(loggers);
        return builder.AddConfiguration(loggers.ToConfig(), HoconAddMode.Prepend);
    }
}
