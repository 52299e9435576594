using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace Qcow2Target.Actors.Targets;

/// <summary>The state file could not be read or written: says which file and what to do.</summary>
public sealed class StateFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// <c>state.json</c>: written whole beside itself, synced, renamed, and the directory synced, so that a reader finds the old or the new
/// state and never a part. Calls block; one at a time.
/// </summary>
public sealed class StateFile(string directory)
{
    private static readonly JsonSerializerSettings Json = new()
    {
        ContractResolver = new DefaultContractResolver { NamingStrategy = new SnakeCaseNamingStrategy() },
        Formatting = Formatting.Indented,
        MissingMemberHandling = MissingMemberHandling.Ignore,
        MaxDepth = 16,
    };

    public string Path { get; } = System.IO.Path.Combine(directory, "state.json");

    /// <summary>Reads the state, or makes a new one with a fresh daemon id where there is no file yet.</summary>
    /// <exception cref="StateFileException">The file is there but is not a state file of a known version.</exception>
    public StoredState Load()
    {
        try
        {
            Directory.CreateDirectory(directory);
            if (!File.Exists(Path))
                return new StoredState(StoredState.CurrentVersion, Guid.NewGuid(), []);
            var state = JsonConvert.DeserializeObject<StoredState>(File.ReadAllText(Path), Json);
            if (state is null || state.Version != StoredState.CurrentVersion || state.DaemonId == Guid.Empty || state.Targets is null)
                throw new StateFileException($"{Path} is not a state file of version {StoredState.CurrentVersion}: move it away to start with no targets");
            return state;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new StateFileException($"cannot read {Path}: {e.Message}", e);
        }
    }

    /// <summary>Brings the state to stable storage. When it returns, a crash at any later instant finds it.</summary>
    /// <exception cref="StateFileException">Nothing was changed: the former state stands.</exception>
    public void Save(StoredState state)
    {
        var fresh = Path + ".new";
        try
        {
            Directory.CreateDirectory(directory);
            using (var stream = new FileStream(fresh, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                File.SetUnixFileMode(stream.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                stream.Write(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(state, Json)));
                stream.Flush(flushToDisk: true);
            }
            File.Move(fresh, Path, overwrite: true);
            DirectorySync.Sync(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StateFileException($"cannot write {Path}: {e.Message}", e);
        }
    }
}
