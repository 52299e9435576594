namespace Qcow2Target.ActorRuntime;

/// <summary>What holds where the configuration says nothing.</summary>
internal static class ReferenceConfig
{
    public static readonly Config Value = ConfigurationFactory.ParseString("""
        akka {
          loggers = ["Akka.Event.DefaultLogger, Akka"]
          logger-formatter = "Akka.Event.DefaultLogMessageFormatter, Akka"
          loglevel = "INFO"
          log-dead-letters = 10
          log-dead-letters-during-shutdown = off
          actor {
            ask-timeout = infinite
            guardian-supervisor-strategy = "Akka.Actor.DefaultSupervisorStrategy"
            default-dispatcher {
              type = "Dispatcher"
              throughput = 30
            }
            default-blocking-io-dispatcher {
              type = "Dispatcher"
              throughput = 1
            }
            default-mailbox {
              mailbox-type = "Akka.Dispatch.UnboundedMailbox, Akka"
            }
          }
          coordinated-shutdown {
            default-phase-timeout = 5 s
            terminate-actor-system = on
            exit-clr = off
            run-by-clr-shutdown-hook = on
            run-by-actor-system-terminate = on
            phases {
              before-service-unbind { }
              service-unbind { }
              service-requests-done { }
              service-stop { }
              before-actor-system-terminate { }
              actor-system-terminate {
                timeout = 10 s
              }
            }
          }
        }
        """);
}
