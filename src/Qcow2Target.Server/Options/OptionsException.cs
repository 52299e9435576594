namespace Qcow2Target.Server.Options;

/// <summary>A configuration that cannot be read at all. The message names the file and, where there is one, the line.</summary>
internal sealed class OptionsException(string message, Exception? inner = null) : Exception(message, inner);
