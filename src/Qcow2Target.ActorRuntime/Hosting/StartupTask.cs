namespace Qcow2Target.ActorRuntime;

public delegate Task StartupTask(ActorSystem system, IActorRegistry registry);
