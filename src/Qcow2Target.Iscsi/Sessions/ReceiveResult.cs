namespace Qcow2Target.Iscsi.Sessions;

/// <summary>What a machine wants after it took input.</summary>
public enum ReceiveState
{
    /// <summary>Every complete PDU is handled: send the output, then receive more behind the bytes that were not consumed.</summary>
    NeedInput,

    /// <summary>Much output has gathered: send what goes without blocking, then call again with the rest, even if nothing could be sent.</summary>
    FlushOutput,

    /// <summary>No more input is taken (logout, fault, closed). Go on sending and pumping until the machine says it is finished.</summary>
    Ended,
}

/// <summary>Answer of a Receive call.</summary>
/// <param name="Consumed">Bytes from the start of the input that are done with.</param>
/// <param name="State">What to do next.</param>
public readonly record struct ReceiveResult(int Consumed, ReceiveState State);
