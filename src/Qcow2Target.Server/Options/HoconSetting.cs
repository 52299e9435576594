namespace Qcow2Target.Server.Options;

/// <summary>One setting as it stands in a HOCON text.</summary>
/// <param name="Path">Its whole path: <c>qcow2target.portals</c>.</param>
/// <param name="Line">Line of its key, from 1.</param>
/// <param name="Value">Its value as written, on one line.</param>
internal readonly record struct HoconSetting(string Path, int Line, string Value);
