namespace Qcow2Target.ActorRuntime;

/// <summary>The place of an actor in the tree, <c>akka://system/user/a/b</c>. Equality leaves the uid out; equality of refs does not.</summary>
public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>
{
    private const string ValidSymbols = "\"-_.*$+:@&=,!~';()";

    private protected ActorPath(Address address, ActorPath parent, string name, long uid)
    {
        Address = address;
        Parent = parent ?? this;
        Name = name;
        Uid = uid;
    }

    public string Name { get; }

    /// <summary>The path above; the root's is itself.</summary>
    public ActorPath Parent { get; }

    public long Uid { get; }

    public Address Address { get; }

    /// <summary>The names from below the root to here.</summary>
    public abstract IReadOnlyList<string> Elements { get; }

    internal static ActorPath Root(string system) => new RootActorPath(new Address(system));

    internal ActorPath Child(string name, long uid) => new ChildActorPath(this, name, uid);

    /// <summary>ASCII letters, digits, a few symbols and <c>%hh</c>; not empty, not starting with <c>$</c>.</summary>
    public static bool IsValidPathElement(string s)
    {
        if (string.IsNullOrEmpty(s) || s[0] == '$') return false;
        for (int i = 0; i < s.Length; i++)
        {
            if (char.IsAsciiLetterOrDigit(s[i]) || ValidSymbols.Contains(s[i])) continue;
            if (s[i] != '%' || i + 2 >= s.Length || !char.IsAsciiHexDigit(s[i + 1]) || !char.IsAsciiHexDigit(s[i + 2])) return false;
            i += 2;
        }

        return true;
    }

    public abstract string ToStringWithoutAddress();

    public override string ToString() => Address + ToStringWithoutAddress();

    public bool Equals(ActorPath other)
    {
        ActorPath left = this;
        while (true)
        {
            if (ReferenceEquals(left, other)) return true;
            if (other is null || left.Name != other.Name) return false;
            bool leftIsRoot = ReferenceEquals(left, left.Parent), otherIsRoot = ReferenceEquals(other, other.Parent);
            if (leftIsRoot || otherIsRoot) return leftIsRoot && otherIsRoot && left.Address.Equals(other.Address);
            left = left.Parent;
            other = other.Parent;
        }
    }

    public int CompareTo(ActorPath other) => string.CompareOrdinal(ToString(), other?.ToString());

    public override bool Equals(object obj) => Equals(obj as ActorPath);

    public override int GetHashCode() => HashCode.Combine(Name, Parent.Name);

    private sealed class RootActorPath(Address address) : ActorPath(address, null, "", 0)
    {
        public override IReadOnlyList<string> Elements => [];

        public override string ToStringWithoutAddress() => "/";
    }

    private sealed class ChildActorPath(ActorPath parent, string name, long uid) : ActorPath(parent.Address, parent, name, uid)
    {
        private string _text;

        public override IReadOnlyList<string> Elements => [.. Parent.Elements, Name];

        public override string ToStringWithoutAddress() =>
            _text ??= (Parent is RootActorPath ? "" : Parent.ToStringWithoutAddress()) + "/" + Name;
    }
}
