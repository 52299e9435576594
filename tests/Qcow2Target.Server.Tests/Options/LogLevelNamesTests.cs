using Qcow2Target.Server.Options;
using Serilog.Events;

namespace Qcow2Target.Server.Tests.Options;

public sealed class LogLevelNamesTests
{
    [Theory]
    [InlineData("verbose", LogEventLevel.Verbose)]
    [InlineData("trace", LogEventLevel.Verbose)]
    [InlineData("DEBUG", LogEventLevel.Debug)]
    [InlineData("information", LogEventLevel.Information)]
    [InlineData("info", LogEventLevel.Information)]
    [InlineData("Warning", LogEventLevel.Warning)]
    [InlineData("warn", LogEventLevel.Warning)]
    [InlineData("error", LogEventLevel.Error)]
    [InlineData("fatal", LogEventLevel.Fatal)]
    public void Level_is_found_by_its_words(string name, LogEventLevel level) => Assert.Equal(level, LogLevelNames.Find(name));

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("information ")]
    public void Other_words_are_no_level(string name) => Assert.Null(LogLevelNames.Find(name));

    [Fact]
    public void Words_that_help_shows_are_all_there_are_levels() =>
        Assert.Equal(Enum.GetValues<LogEventLevel>(), LogLevelNames.All.Select(name => LogLevelNames.Find(name)!.Value));

    [Theory]
    [InlineData(LogEventLevel.Verbose, LogLevel.DebugLevel)]
    [InlineData(LogEventLevel.Debug, LogLevel.DebugLevel)]
    [InlineData(LogEventLevel.Information, LogLevel.InfoLevel)]
    [InlineData(LogEventLevel.Warning, LogLevel.WarningLevel)]
    [InlineData(LogEventLevel.Error, LogLevel.ErrorLevel)]
    [InlineData(LogEventLevel.Fatal, LogLevel.ErrorLevel)]
    public void Actor_system_holds_nothing_back_that_the_log_shows(LogEventLevel level, LogLevel expected) =>
        Assert.Equal(expected, LogLevelNames.ForActors(level));
}
