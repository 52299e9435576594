using Qcow2Target.Server.Hosting;
using Qcow2Target.Server.Options;

switch (ServerCommandLine.Parse(args))
{
    case OptionsAccepted accepted:
        return await Daemon.RunAsync(accepted.Options);
    case TextRequested text:
        Console.WriteLine(text.Text);
        return 0;
    case OptionsRefused refused:
        foreach (var error in refused.Errors)
            await Console.Error.WriteLineAsync(error);
        return OptionsRefused.ExitCode;
    default:
        throw new InvalidOperationException("the command line came to nothing");
}
