namespace Qcow2Target.ActorRuntime;

/// <summary>Marks messages whose loss is not worth a word: they become <see cref="SuppressedDeadLetter"/>.</summary>
public interface IDeadLetterSuppression
{
}
