namespace Qcow2Target.ActorRuntime;

/// <summary>The root of paths: the protocol and the actor system.</summary>
public sealed class Address : IEquatable<Address>
{
    internal Address(string system) => System = system;

    public string Protocol => "akka";

    public string System { get; }

    public bool Equals(Address other) => other is not null && other.System == System;

    public override bool Equals(object obj) => Equals(obj as Address);

    public override int GetHashCode() => System.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"akka://{System}";
}
