namespace Qcow2Target.ActorRuntime;

public class ConfigurationFactory
{
    public static Config Empty => Config.Empty;

    /// <summary>Reads the subset of HOCON that the documentation of <c>HoconParser</c> describes.</summary>
    /// <exception cref="ConfigurationException">The text is malformed; the message gives the line.</exception>
    public static Config ParseString(string hocon)
    {
        ArgumentNullException.ThrowIfNull(hocon);
        return new Config(new HoconParser(hocon).Parse());
    }

    /// <summary>The configuration of the environment: there is none here, so empty.</summary>
    public static Config Load() => Config.Empty;
}
