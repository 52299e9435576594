namespace Qcow2Target.Control.Errors;

/// <summary>One field beside <c>code</c> in the result of a failed request.</summary>
public readonly record struct ErrorFact
{
    private ErrorFact(string name, object value) => (Name, Value) = (name, value);

    /// <summary>Field name, in the contract's <c>lower_case</c> style.</summary>
    public string Name { get; }

    /// <summary>A <see cref="string"/> or a <see cref="long"/>.</summary>
    public object Value { get; }

    public static ErrorFact Of(string name, string value) => new(name, value);

    public static ErrorFact Of(string name, long value) => new(name, value);
}
