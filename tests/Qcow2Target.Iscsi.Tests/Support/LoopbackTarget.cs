using System.Net;
using System.Net.Sockets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Iscsi.Tests.Support;

/// <summary>A target on a real socket of the loopback: the simplest owner that the machines can have, a thread for each connection.</summary>
internal sealed class LoopbackTarget : ITargetDirectory, IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private int _tsih;

    public LoopbackTarget()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    public FakeExecutor Executor { get; } = new(4 << 20) { RecordsWrites = false };

    public IReadOnlyList<TargetRecord> All(string initiatorName) => [new(SessionHarness.TargetName, [$"{EndPoint},1"])];

    public TargetRecord? Find(string initiatorName, string targetName) => All(initiatorName)[0] is { } own && IscsiName.Equal(own.Name, targetName) ? own : null;

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                socket.NoDelay = true;
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
        }
    }

    private void Serve(Socket socket)
    {
        using (socket)
        {
            try
            {
                var input = new byte[1 << 20];
                if (LogIn(socket, input) is not { } established) return;
                if (established.Parameters.SessionType == SessionType.Discovery) Discover(socket, input, established);
                else new Owner(socket, this, established.Parameters).Run(input, established.Length);
            }
            catch (SocketException)
            {
            }
        }
    }

    private (SessionParameters Parameters, int Length)? LogIn(Socket socket, byte[] input)
    {
        var login = new LoginMachine(new LoginOffers());
        var length = 0;
        while (true)
        {
            var step = login.Receive(input.AsSpan(0, length), out var consumed);
            input.AsSpan(consumed, length - consumed).CopyTo(input);
            length -= consumed;
            if (step is LoginStep.NeedAdmission need)
            {
                var isKnown = need.Request.SessionType == SessionType.Discovery || Find(need.Request.InitiatorName, need.Request.TargetName) is not null;
                step = login.Admit(isKnown ? new AdmissionDecision.Accepted((ushort)Interlocked.Increment(ref _tsih)) : new AdmissionDecision.Refused(LoginStatus.NotFound, "no such target"));
            }

            switch (step)
            {
                case LoginStep.NeedInput:
                    var count = socket.Receive(input.AsSpan(length));
                    if (count == 0) return null;
                    length += count;
                    break;
                case LoginStep.Send send:
                    socket.Send(send.Bytes.Span);
                    break;
                case LoginStep.Established established:
                    socket.Send(established.Bytes.Span);
                    return (established.Parameters, length);
                case LoginStep.SendAndClose close:
                    socket.Send(close.Bytes.Span);
                    return null;
            }
        }
    }

    private void Discover(Socket socket, byte[] input, (SessionParameters Parameters, int Length) established)
    {
        var machine = new DiscoveryMachine(established.Parameters, this);
        for (var length = established.Length; ;)
        {
            var result = machine.Receive(input.AsSpan(0, length));
            input.AsSpan(result.Consumed, length - result.Consumed).CopyTo(input);
            length -= result.Consumed;
            while (machine.TryPeekOutput(out var bytes)) machine.Advance(socket.Send(bytes.Span));
            if (machine.IsFinished) return;
            var count = socket.Receive(input.AsSpan(length));
            if (count == 0) return;
            length += count;
        }
    }

    private sealed class Owner : ISessionEvents
    {
        private readonly Socket _socket;
        private readonly SessionMachine _machine;

        public Owner(Socket socket, LoopbackTarget target, SessionParameters parameters)
        {
            _socket = socket;
            _machine = new SessionMachine(parameters, target.Executor, target, this, new BufferPool());
        }

        public void OutputReady()
        {
        }

        public void LogoutRequested(LogoutRequest request) => request.Respond(LogoutResponseCode.Success);

        public void Run(byte[] input, int length)
        {
            try
            {
                while (true)
                {
                    var result = _machine.Receive(input.AsSpan(0, length));
                    input.AsSpan(result.Consumed, length - result.Consumed).CopyTo(input);
                    length -= result.Consumed;
                    Send();
                    if (_machine.IsFinished) return;
                    if (result.State == ReceiveState.FlushOutput) continue;
                    var count = _socket.Receive(input.AsSpan(length));
                    if (count == 0) return;
                    length += count;
                }
            }
            finally
            {
                _machine.Close();
            }
        }

        private void Send()
        {
            do
            {
                while (_machine.TryPeekOutput(out var bytes)) _machine.Advance(_socket.Send(bytes.Span));
                if (_machine.HasParkedWork) _machine.Pump();
            }
            while (_machine.UnsentBytes > 0 || _machine.HasParkedWork);
        }
    }
}
