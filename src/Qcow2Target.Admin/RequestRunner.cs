using System.CommandLine;
using Qcow2Target.Control.Client;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin;

/// <summary>What all verbs have in common: send a request, print its reply or its error, choose the exit code.</summary>
/// <param name="output">Where results go.</param>
/// <param name="error">Where errors go.</param>
internal sealed class RequestRunner(TextWriter output, TextWriter error)
{
    private const int Succeeded = 0;
    private const int Failed = 1;

    /// <summary>The options that <see cref="RunAsync"/> reads.</summary>
    public CommonOptions Common { get; } = new();

    /// <param name="parsed">The command line, for the options that all verbs have.</param>
    /// <param name="request">What to ask.</param>
    /// <param name="print">Prints the reply to a request that succeeded.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync<TReply>(
        ParseResult parsed,
        ControlRequest request,
        Action<TextWriter, TReply> print,
        CancellationToken cancellationToken)
        where TReply : ControlReply
    {
        try
        {
            ControlExchange exchange = await ExchangeAsync(parsed, request, cancellationToken);
            bool asJson = parsed.GetValue(Common.Json);
            if (asJson)
                await output.WriteLineAsync(exchange.Line);
            if (exchange.Reply is FailureReply failure)
                return Fail(WithAdvice(failure.Error));
            if (!asJson)
                print(output, (TReply)exchange.Reply);
            return Succeeded;
        }
        catch (ControlClientException fault)
        {
            return Fail(WithAdvice(fault));
        }
        catch (OperationCanceledException)
        {
            return Fail("interrupted; the request may still be carried out, see list");
        }
    }

    private async Task<ControlExchange> ExchangeAsync(ParseResult parsed, ControlRequest request, CancellationToken cancellationToken)
    {
        using ControlClient client = await ControlClient.ConnectAsync(
            parsed.GetRequiredValue(Common.Socket), TimeSpan.FromSeconds(parsed.GetValue(Common.Timeout)), cancellationToken);
        return await client.SendAsync(request, cancellationToken);
    }

    private int Fail(string message)
    {
        error.WriteLine($"{AdminProgram.Name}: {message}");
        return Failed;
    }

    /// <summary>The daemon says what is wrong; what to type next is ours to know.</summary>
    private static string WithAdvice(ControlError error) => error.Code switch
    {
        ErrorCodes.TargetNotFound => $"{error.Text}; '{AdminProgram.Name} list' shows those that do",
        ErrorCodes.LunNotFound => $"{error.Text}; '{AdminProgram.Name} list' shows which there are",
        ErrorCodes.LunNotReady => $"{error.Text}; '{AdminProgram.Name} list --details' shows its state",
        ErrorCodes.TargetHasLuns => $"{error.Text}; detach them with '{AdminProgram.Name} cleartarget' first",
        ErrorCodes.TargetConnected => $"{error.Text}; disconnect the initiators first, or end their sessions with --force",
        _ => error.Text,
    };

    private static string WithAdvice(ControlClientException fault) => fault.Error switch
    {
        ControlClientError.NoSocket or ControlClientError.NobodyListens =>
            $"{fault.Message}; start the daemon (qcow2target), or say where it listens with --socket",
        ControlClientError.AccessDenied => $"{fault.Message}; run {AdminProgram.Name} as that user or as a member of that group",
        ControlClientError.TimedOut => $"{fault.Message}, see '{AdminProgram.Name} list'",
        _ => fault.Message,
    };
}
