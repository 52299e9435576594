namespace Qcow2Target.Server.Options;

/// <summary>A value with the place that gave it, so that an error can name that.</summary>
/// <param name="Value">The value.</param>
/// <param name="Where">Beginning of an error: <c>--portal</c>, or <c>FILE: line 7: qcow2target.portals =</c>.</param>
internal readonly record struct Given<T>(T Value, string Where);
