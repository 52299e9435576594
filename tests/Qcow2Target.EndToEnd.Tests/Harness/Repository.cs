namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>The checkout that the tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Qcow2Target.sln"))) folder = folder.Parent ?? throw new DirectoryNotFoundException("not inside the repository");
        return folder.FullName;
    }
}
