using BenchmarkDotNet.Attributes;

namespace Qcow2Target.Benchmarks.Actors;

/// <summary>What a message costs: told to an actor that is busy, told and handled, and to and fro between two actors.</summary>
[MemoryDiagnoser]
public class TellBenchmarks
{
    private const int Messages = 1_000_000;
    private const int Exchanges = 100_000;

    private static readonly object Message = new();

    private ActorSystem _system = null!;
    private IActorRef _counter = null!;
    private IActorRef _blocked = null!;
    private IActorRef _ping = null!;
    private ManualResetEventSlim _gate = null!;

    [GlobalSetup]
    public void Start()
    {
        _system = ActorSystem.Create("bench", "akka { loglevel = OFF, stdout-loglevel = OFF, loggers = [] }");
        _counter = _system.ActorOf(Props.Create(() => new Counter()));
        IActorRef pong = _system.ActorOf(Props.Create(() => new Pong()));
        _ping = _system.ActorOf(Props.Create(() => new Ping(pong)));
    }

    [GlobalCleanup]
    public void Stop() => _system.Dispose();

    [IterationSetup(Target = nameof(Tell))]
    public void Block()
    {
        _gate = new ManualResetEventSlim();
        _blocked = _system.ActorOf(Props.Create(() => new Blocked()));
        _blocked.Tell(_gate, ActorRefs.NoSender);
    }

    [IterationCleanup(Target = nameof(Tell))]
    public void Release()
    {
        _system.Stop(_blocked);
        _gate.Set();
    }

    /// <summary>The sender's side alone.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public void Tell()
    {
        for (int i = 0; i < Messages; i++) _blocked.Tell(Message, ActorRefs.NoSender);
    }

    /// <summary>Both sides, on two threads.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public void TellAndHandle()
    {
        var done = new ManualResetEventSlim();
        for (int i = 1; i < Messages; i++) _counter.Tell(Message, ActorRefs.NoSender);
        _counter.Tell(done, ActorRefs.NoSender);
        done.Wait();
    }

    /// <summary>A message there and one back, each waking a sleeping mailbox.</summary>
    [Benchmark(OperationsPerInvoke = Exchanges)]
    public void PingPong()
    {
        var done = new ManualResetEventSlim();
        _ping.Tell(done, ActorRefs.NoSender);
        done.Wait();
    }

    private sealed class Counter : ReceiveActor
    {
        private long _count;

        public Counter()
        {
            Receive<ManualResetEventSlim>(done => done.Set());
            ReceiveAny(_ => _count++);
        }
    }

    private sealed class Blocked : ReceiveActor
    {
        public Blocked() => Receive<ManualResetEventSlim>(gate => gate.Wait());
    }

    private sealed class Ping : ReceiveActor
    {
        private ManualResetEventSlim _done = null!;
        private int _left;

        public Ping(IActorRef pong)
        {
            Receive<ManualResetEventSlim>(done =>
            {
                _done = done;
                _left = Exchanges;
                pong.Tell(Message);
            });
            ReceiveAny(_ =>
            {
                if (--_left > 0) pong.Tell(Message);
                else _done.Set();
            });
        }
    }

    private sealed class Pong : ReceiveActor
    {
        public Pong() => ReceiveAny(message => Sender.Tell(message));
    }
}
