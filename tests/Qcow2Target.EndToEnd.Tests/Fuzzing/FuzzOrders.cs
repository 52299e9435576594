using System.Globalization;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>What a run is to do: from the environment, or a few seconds.</summary>
/// <param name="Seed">Of the first conversation; each next one has the next number.</param>
/// <param name="Workers">Conversations at once.</param>
/// <param name="Conversations">So many, null for no such limit.</param>
/// <param name="Inputs">So many PDUs sent, null for no such limit.</param>
/// <param name="Duration">So long, null for no such limit.</param>
internal sealed record FuzzOrders(int Seed, int Workers, long? Conversations, long? Inputs, TimeSpan? Duration)
{
    public const string SeedVariable = "QCOW2TARGET_FUZZ_SEED", ConversationsVariable = "QCOW2TARGET_FUZZ_CONVERSATIONS";
    private const string InputsVariable = "QCOW2TARGET_FUZZ_INPUTS", SecondsVariable = "QCOW2TARGET_FUZZ_SECONDS", WorkersVariable = "QCOW2TARGET_FUZZ_WORKERS";
    private const int UsualSeconds = 6, UsualWorkers = 2;

    public static FuzzOrders FromEnvironment()
    {
        (long? conversations, long? inputs, long? seconds) = (Number(ConversationsVariable), Number(InputsVariable), Number(SecondsVariable));
        if (conversations is null && inputs is null) seconds ??= UsualSeconds;
        return new FuzzOrders(
            (int)(Number(SeedVariable) ?? Random.Shared.Next(1 << 30)),
            conversations == 1 ? 1 : (int)(Number(WorkersVariable) ?? UsualWorkers),
            conversations,
            inputs,
            seconds is { } limit ? TimeSpan.FromSeconds(limit) : null);
    }

    private static long? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
