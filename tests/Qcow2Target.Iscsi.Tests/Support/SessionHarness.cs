using System.Buffers.Binary;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Support;

/// <summary>A session's machine with a fake disk behind it and a hand-driven initiator before it. No socket, no threads.</summary>
internal sealed class SessionHarness : ISessionEvents, ITargetDirectory
{
    public const string TargetName = "iqn.2018-05.com.networkoptix:Disk";
    public const ulong Lun0 = 0;
    public const ulong Lun1 = 0x0001_0000_0000_0000;

    private readonly PduScanner _scanner;
    private uint _nextTag = 100;

    public SessionHarness(Func<SessionParameters, SessionParameters>? change = null, int diskBytes = 4 << 20, BufferPool? pool = null)
    {
        Executor = new FakeExecutor(diskBytes);
        Pool = pool ?? new BufferPool();
        var parameters = new SessionParameters
        {
            SessionType = SessionType.Normal,
            InitiatorName = "iqn.test:initiator",
            TargetName = TargetName.ToLowerInvariant(),
            Isid = 1,
            Tsih = 1,
            ConnectionId = 7,
            PortalGroupTag = 1,
            InitialR2T = false,
            ImmediateData = true,
            MaxRecvDataSegmentLength = 262144,
            PeerMaxRecvDataSegmentLength = 262144,
            MaxBurstLength = 262144,
            FirstBurstLength = 65536,
            MaxOutstandingR2T = 1,
            ExpCmdSn = 50,
            StatSn = 1000,
        };
        Machine = new SessionMachine(change?.Invoke(parameters) ?? parameters, Executor, this, this, Pool);
        Digests = new DigestUse(Machine.Parameters.HeaderDigest, Machine.Parameters.DataDigest);
        _scanner = new PduScanner(Digests, 16 << 20, 0);
        CmdSn = Machine.Parameters.ExpCmdSn;
    }

    public FakeExecutor Executor { get; }

    public BufferPool Pool { get; }

    public SessionMachine Machine { get; }

    public DigestUse Digests { get; }

    public uint CmdSn { get; set; }

    public int OutputReadyCount { get; private set; }

    public List<LogoutRequest> Logouts { get; } = [];

    public List<TargetRecord> Targets { get; } = [new(TargetName, ["192.0.2.1:3260,1", "[2001:db8::1]:3260,1"])];

    public void OutputReady() => OutputReadyCount++;

    public void LogoutRequested(LogoutRequest request) => Logouts.Add(request);

    public IReadOnlyList<TargetRecord> All(string initiatorName) => Targets;

    public TargetRecord? Find(string initiatorName, string targetName) => Targets.Find(target => IscsiName.Equal(target.Name, targetName));

    public byte[] Bytes<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data = default, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
    {
        var bytes = new byte[Digests.PduBytes(data.Length, additionalHeader.Length)];
        PduWriter.Write(pdu, data, bytes, Digests, additionalHeader);
        return bytes;
    }

    /// <summary>Feeds one PDU; the machine has to take it whole.</summary>
    public ReceiveResult Send<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data = default, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
        => Machine.Receive(Bytes(pdu, data, additionalHeader));

    public uint NextTag() => _nextTag++;

    /// <summary>A SCSI command in order. Returns its tag.</summary>
    public uint Command(
        byte[] cdb, uint edtl = 0, bool read = false, bool write = false, bool final = true, ReadOnlySpan<byte> data = default, ulong lun = Lun0, uint? tag = null)
    {
        var pdu = CommandPdu(cdb, edtl, read, write, final, lun, tag ?? NextTag());
        Send(pdu, data);
        return pdu.InitiatorTaskTag;
    }

    public ScsiCommandPdu CommandPdu(byte[] cdb, uint edtl, bool read, bool write, bool final, ulong lun, uint tag) => new()
    {
        IsFinal = final,
        IsRead = read,
        IsWrite = write,
        Attribute = TaskAttribute.Simple,
        Lun = lun,
        InitiatorTaskTag = tag,
        ExpectedDataTransferLength = edtl,
        CmdSn = CmdSn++,
        Cdb = BinaryPrimitives.ReadUInt128BigEndian(cdb),
    };

    public uint Read(long block, int blocks, uint? edtl = null, ulong lun = Lun0)
        => Command(ScriptedInitiator.Cdb16(FakeExecutor.Read, block, blocks), edtl ?? (uint)blocks * 512, read: true, lun: lun);

    public uint Write(long block, int blocks, ReadOnlySpan<byte> immediate = default, uint? edtl = null, bool final = true, ulong lun = Lun0)
        => Command(ScriptedInitiator.Cdb16(FakeExecutor.Write, block, blocks), edtl ?? (uint)blocks * 512, write: true, final: final, data: immediate, lun: lun);

    public uint TestUnitReady(ulong lun = Lun0) => Command(new byte[16], lun: lun);

    public uint Flush(ulong lun = Lun0)
    {
        var cdb = new byte[16];
        cdb[0] = FakeExecutor.Flush;
        return Command(cdb, lun: lun);
    }

    public ReceiveResult DataOut(uint tag, uint transferTag, uint dataSn, uint offset, ReadOnlySpan<byte> data, bool final)
        => Send(new DataOutPdu { InitiatorTaskTag = tag, TargetTransferTag = transferTag, DataSn = dataSn, BufferOffset = offset, IsFinal = final }, data);

    /// <summary>All output there is, pumped dry, as PDUs. Sent in odd pieces.</summary>
    public List<ScriptedInitiatorPdu> Drain()
    {
        var pdus = new List<ScriptedInitiatorPdu>();
        var stream = new List<byte>();
        do
        {
            while (Machine.TryPeekOutput(out var bytes))
            {
                var count = Math.Min(bytes.Length, 70001);
                stream.AddRange(bytes.Span[..count]);
                Machine.Advance(count);
            }

            while (Machine.HasParkedWork) Machine.Pump();
        }
        while (Machine.TryPeekOutput(out _));

        var rest = stream.ToArray().AsSpan();
        while (rest.Length > 0)
        {
            Assert.Equal(ScanState.Complete, _scanner.Scan(rest, out var frame));
            Assert.True(frame.DataDigestHolds);
            pdus.Add(new ScriptedInitiatorPdu(frame.Header.ToArray(), frame.Data.ToArray(), frame.DataDigestHolds));
            rest = rest[frame.Length..];
        }

        return pdus;
    }

    /// <summary>The one PDU that is there.</summary>
    public ScriptedInitiatorPdu Only() => Assert.Single(Drain());

    public TPdu Only<TPdu>()
        where TPdu : struct, IPdu<TPdu>
        => Only().As<TPdu>();

    public void AssertSilent() => Assert.Empty(Drain());

    /// <summary>The answer to one command, put together.</summary>
    public ScriptedInitiatorResult Result(uint tag, int readLength = 1 << 22)
    {
        var command = new ScriptedInitiatorCommand(tag, default, readLength);
        foreach (var pdu in Drain())
        {
            if (pdu.InitiatorTaskTag == tag && pdu.Opcode != Opcode.ReadyToTransfer) command.Take(pdu);
        }

        return command.Result ?? throw new InvalidOperationException("The command has not ended.");
    }

    public async Task<SessionHarness> CloseAsync()
    {
        Machine.Close();
        Executor.EndAll();
        await Machine.Completion.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0, Pool.HeldBytes);
        Assert.Equal(Executor.Begun, Executor.Gone);
        return this;
    }
}
