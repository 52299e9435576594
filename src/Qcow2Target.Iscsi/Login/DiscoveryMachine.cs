using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Iscsi.Login;

/// <summary>Full-feature phase of a discovery session: SendTargets, Logout, NOP; everything else is rejected. One thread at a time.</summary>
public sealed class DiscoveryMachine
{
    public DiscoveryMachine(SessionParameters parameters, ITargetDirectory directory) => throw new NotImplementedException();

    /// <summary>As <see cref="SessionMachine.Receive"/>.</summary>
    public ReceiveResult Receive(ReadOnlySpan<byte> input) => throw new NotImplementedException();

    /// <summary>As <see cref="SessionMachine.TryPeekOutput"/>.</summary>
    public bool TryPeekOutput(out ReadOnlyMemory<byte> bytes) => throw new NotImplementedException();

    /// <summary>As <see cref="SessionMachine.Advance"/>.</summary>
    public void Advance(int count) => throw new NotImplementedException();

    /// <summary>True when the Logout Response, or what preceded a fault, has been sent: close.</summary>
    public bool IsFinished => throw new NotImplementedException();

    public SessionFault? Fault => throw new NotImplementedException();
}
