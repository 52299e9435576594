namespace Qcow2Target.ActorRuntime;

public delegate Task ActorStarter(ActorSystem system, IActorRegistry registry);
