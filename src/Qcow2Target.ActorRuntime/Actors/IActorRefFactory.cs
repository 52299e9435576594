namespace Qcow2Target.ActorRuntime;

public interface IActorRefFactory
{
    /// <summary>Makes a child and returns at once; its constructor and <c>PreStart</c> run later, on its own dispatcher.</summary>
    /// <exception cref="InvalidActorNameException">The name is malformed or taken.</exception>
    /// <exception cref="InvalidOperationException">The parent is stopping.</exception>
    /// <exception cref="ConfigurationException">The dispatcher or mailbox of the props is unknown.</exception>
    IActorRef ActorOf(Props props, string name = null);

    ActorSelection ActorSelection(string actorPath);
}
