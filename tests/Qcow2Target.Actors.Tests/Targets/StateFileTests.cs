using Newtonsoft.Json.Linq;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class StateFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Without_a_file_there_is_a_new_daemon_with_no_targets()
    {
        var state = new StateFile(Path.Combine(_directory.Path, "fresh")).Load();
        Assert.NotEqual(Guid.Empty, state.DaemonId);
        Assert.Empty(state.Targets);
    }

    [Fact]
    public void What_was_saved_is_read_again()
    {
        var state = Sample();
        new StateFile(_directory.Path).Save(state);
        var again = new StateFile(_directory.Path).Load();
        Assert.Equal(state.DaemonId, again.DaemonId);
        var target = Assert.Single(again.Targets);
        Assert.Equal("iqn.2018-05.test:One", target.Name);
        Assert.Equal(7, target.Id);
        Assert.Equal(state.Targets[0].Luns[0], Assert.Single(target.Luns));
    }

    [Fact]
    public void The_file_is_for_its_owner_only_and_nothing_is_left_beside_it()
    {
        var file = new StateFile(_directory.Path);
        file.Save(Sample());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        Assert.Equal([file.Path], Directory.GetFiles(_directory.Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version": 2, "daemon_id": "0d7b7a3c-6c52-4a47-8f0e-2a8a4b5a9f11", "targets": []}""")]
    [InlineData("""{"version": 1, "daemon_id": "0d7b7a3c-6c52-4a47-8f0e-2a8a4b5a9f11"}""")]
    [InlineData("""{"version": 1, "daemon_id": "nonsense", "targets": []}""")]
    public void What_is_no_state_file_is_refused_by_its_path_and_left_alone(string text)
    {
        var file = new StateFile(_directory.Path);
        File.WriteAllText(file.Path, text);
        var fault = Assert.Throws<StateFileException>(() => file.Load());
        Assert.Contains(file.Path, fault.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(file.Path));
    }

    [Fact]
    public void What_an_older_version_did_not_write_has_its_default()
    {
        var file = new StateFile(_directory.Path);
        file.Save(Sample());
        var text = File.ReadAllText(file.Path);
        Assert.Contains("\"zero_detection\": \"On\"", text, StringComparison.Ordinal);
        var state = JObject.Parse(text);
        var target = (JObject)state["targets"]![0]!;
        target.Remove("access");
        ((JObject)target["luns"]![0]!).Remove("zero_detection");
        File.WriteAllText(file.Path, state.ToString());
        Assert.Equal(ZeroDetection.Off, file.Load().Targets[0].Luns[0].ZeroDetection);
        Assert.Null(file.Load().Targets[0].Access);
    }

    [Fact]
    public void A_save_that_fails_leaves_the_former_state()
    {
        var file = new StateFile(_directory.Path);
        file.Save(Sample());
        var before = File.ReadAllText(file.Path);
        Directory.CreateDirectory(file.Path + ".new");   // the fresh file cannot be made
        Assert.Throws<StateFileException>(() => file.Save(Sample() with { Targets = [] }));
        Assert.Equal(before, File.ReadAllText(file.Path));
    }

    private static StoredState Sample() => new(StoredState.CurrentVersion, Guid.NewGuid(),
        [new StoredTarget(7, "iqn.2018-05.test:One", [new StoredLun(3, "/disks/a.qcow2", "S1", new StoredFile(1, 2), ZeroDetection: ZeroDetection.On)])]);
}
