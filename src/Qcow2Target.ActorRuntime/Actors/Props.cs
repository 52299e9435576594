using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;

namespace Qcow2Target.ActorRuntime;

/// <summary>How to make an actor. Immutable; the <c>With…</c> methods return changed copies.</summary>
public class Props
{
    private const BindingFlags Constructors = BindingFlags.Instance | BindingFlags.Public | BindingFlags.CreateInstance | BindingFlags.DoNotWrapExceptions;

    private readonly ConstructorInfo _constructor;      // null: chosen by the arguments

    private Props(Type type, ConstructorInfo constructor, object[] arguments)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!typeof(ActorBase).IsAssignableFrom(type) || type.IsAbstract)
            throw new ArgumentException($"{type} is no actor that can be made.", nameof(type));
        Type = type;
        _constructor = constructor;
        Arguments = arguments ?? [];
    }

    public Type Type { get; }

    public object[] Arguments { get; }

    /// <summary>The id given, or null for the default.</summary>
    public string Dispatcher { get; private init; }

    /// <summary>The id given, or null for the default.</summary>
    public string Mailbox { get; private init; }

    /// <summary>In place of the actor's own; null when it is the actor's.</summary>
    public SupervisorStrategy SupervisorStrategy { get; private init; }

    internal int StashCapacity { get; private init; } = -1;

    /// <summary>The arguments are not checked before the actor is made.</summary>
    public static Props Create<TActor>(params object[] args)
        where TActor : ActorBase => new(typeof(TActor), null, args);

    public static Props Create(Type type, params object[] args) => new(type, null, args);

    /// <summary>The arguments of the constructor are evaluated once, now: all incarnations share them.</summary>
    /// <param name="factory">Plainly <c>() => new T(...)</c>.</param>
    /// <param name="supervisorStrategy">In place of the actor's own.</param>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null)
        where TActor : ActorBase
    {
        ArgumentNullException.ThrowIfNull(factory);
        if (factory.Body is not NewExpression made)
            throw new ArgumentException("The create function must be a 'new T (args)' expression", nameof(factory));
        return new Props(made.Type, made.Constructor, [.. made.Arguments.Select(Evaluate)]) { SupervisorStrategy = supervisorStrategy };
    }

    public Props WithDispatcher(string dispatcher) => new(this) { Dispatcher = dispatcher };

    public Props WithMailbox(string mailbox) => new(this) { Mailbox = mailbox };

    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) => new(this) { SupervisorStrategy = supervisorStrategy };

    public Props WithStashCapacity(int stashCapacity) => new(this) { StashCapacity = stashCapacity };

    internal ActorBase NewActor()
    {
        try
        {
            object actor = _constructor is null
                ? Activator.CreateInstance(Type, Constructors, null, Arguments, CultureInfo.InvariantCulture)
                : _constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, Arguments, CultureInfo.InvariantCulture);
            return (ActorBase)actor;
        }
        catch (Exception e)
        {
            throw new TypeLoadException($"Error while creating actor instance of type {Type} with {Arguments.Length} args: {e.Message}", e);
        }
    }

    private static object Evaluate(Expression argument) => argument switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Member: FieldInfo field } member => field.GetValue(member.Expression is null ? null : Evaluate(member.Expression)),
        _ => Expression.Lambda<Func<object>>(Expression.Convert(argument, typeof(object))).Compile(preferInterpretation: true)(),
    };

    private Props(Props other)
        : this(other.Type, other._constructor, other.Arguments)
    {
        Dispatcher = other.Dispatcher;
        Mailbox = other.Mailbox;
        SupervisorStrategy = other.SupervisorStrategy;
        StashCapacity = other.StashCapacity;
    }
}
