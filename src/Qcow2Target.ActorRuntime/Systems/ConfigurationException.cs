namespace Qcow2Target.ActorRuntime;

/// <summary>Settings that cannot be read or that name what does not exist.</summary>
public class ConfigurationException : AkkaException
{
    public ConfigurationException(string message)
        : base(message)
    {
    }

    public ConfigurationException(string message, Exception exception)
        : base(message, exception)
    {
    }
}
