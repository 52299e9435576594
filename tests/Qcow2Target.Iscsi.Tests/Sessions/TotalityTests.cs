using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Login;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Iscsi.Tests.Sessions;

/// <summary>Any bytes end in answers or in a typed fault, in bounded memory; never in an exception, and everything is given back.</summary>
public sealed class TotalityTests(ITestOutputHelper output)
{
    private static readonly byte[] Opcodes = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x20, 0x1F];

    [Fact]
    public async Task The_full_feature_phase_takes_any_bytes()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 300; round++)
        {
            var session = new SessionHarness(
                p => p with
                {
                    InitialR2T = random.Once(2),
                    ImmediateData = random.Once(2),
                    HeaderDigest = random.Once(8) ? DigestMethod.Crc32C : DigestMethod.None,
                    MaxOutstandingR2T = random.Next(1, 9),
                    MaxBurstLength = random.Pick(512, 4096, 65536),
                    PeerMaxRecvDataSegmentLength = random.Pick(512, 8192, 262144),
                },
                diskBytes: 1 << 20);
            session.Executor.OnBegin = _ =>
            {
                session.Executor.ReadsAreSlow = random.Once(3);
                session.Executor.WritesAreSlow = random.Once(3);
                session.Executor.EndsSlowAtOnce = random.Once(2);
            };
            for (var i = 0; i < 200; i++)
            {
                var result = session.Machine.Receive(Pdu(session, random));
                Assert.InRange(result.Consumed, 0, 1 << 20);
                if (random.Once(4)) session.Drain();
                if (random.Once(10)) session.Executor.EndAll();
                if (random.Once(20)) session.Machine.AbortTasks(random.Once(2) ? TaskFilter.All : TaskFilter.ByTag((uint)random.Next(8)));
                while (session.Executor.Requests.TryDequeue(out var request)) request.Respond(TaskManagementResponse.Complete);
                if (result.State == ReceiveState.Ended) break;
            }

            foreach (var logout in session.Logouts) logout.Respond(LogoutResponseCode.Success);
            await session.CloseAsync();
        }
    }

    [Fact]
    public void A_login_takes_any_bytes()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 3000; round++)
        {
            var good = LoginScript.Request(LoginScript.Normal + "HeaderDigest=CRC32C,None\0FirstBurstLength=65536\0X-foo=1\0", random.Once(2) ? 1 : 0, random.Once(2) ? 3 : 1);
            for (var i = random.Next(6); i > 0; i--) good[random.Next(random.Once(2) ? 48 : good.Length)] = (byte)random.Next(256);
            var machine = new LoginMachine(new LoginOffers());
            var rest = random.Once(10) ? random.Bytes(random.Next(100)) : good;
            for (var steps = 0; steps < 10; steps++)
            {
                var step = machine.Receive(rest, out var consumed);
                Assert.InRange(consumed, 0, rest.Length);
                rest = rest[consumed..];
                if (step is LoginStep.NeedAdmission) step = machine.Admit(random.Once(2) ? new AdmissionDecision.Accepted(5) : new AdmissionDecision.Refused(LoginStatus.NotFound, "no"));
                if (step is not LoginStep.Send) break;
            }
        }
    }

    private static byte[] Pdu(SessionHarness session, RandomSource random)
    {
        if (random.Once(60)) return random.Bytes(random.Next(200));
        var data = random.Bytes(random.Pick(0, 0, 4, 511, 512, 513, 4096, 70000));
        var pdu = session.Bytes(
            new ScsiCommandPdu
            {
                IsImmediate = random.Once(6),
                IsFinal = random.Once(2),
                IsRead = random.Once(2),
                IsWrite = random.Once(2),
                Lun = random.Once(2) ? 0u : SessionHarness.Lun1,
                InitiatorTaskTag = (uint)random.Next(8),
                ExpectedDataTransferLength = (uint)random.Pick(0, 200, 512, 4096, 100000),
                CmdSn = session.CmdSn,
            },
            data);
        var opcode = random.Pick(Opcodes);
        pdu[0] = (byte)(opcode | (pdu[0] & 0x40));
        pdu[32] = random.Pick(FakeExecutor.TestUnitReady, FakeExecutor.Inquiry, FakeExecutor.Flush, FakeExecutor.Unmap, FakeExecutor.Read, FakeExecutor.Write, (byte)0xFF);
        if (opcode == 0x05)
        {
            // Data-Out: sometimes with the tag of an R2T that may be open, DataSN and offset often plausible.
            Write(pdu, 20, random.Once(2) ? 0xFFFF_FFFF : (uint)random.Next(1, 10));
            Write(pdu, 36, (uint)random.Next(3));
            Write(pdu, 40, (uint)random.Pick(0, 512, 4096, 70000));
        }
        else if (pdu[32] is FakeExecutor.Read or FakeExecutor.Write)
        {
            pdu[45] = (byte)random.Next(64);
        }
        else if (pdu[32] == FakeExecutor.Unmap)
        {
            pdu[40] = (byte)random.Next(256);
        }

        if (opcode is 0x04 && data.Length > 4) "SendTargets=All\0"u8[..Math.Min(16, data.Length)].CopyTo(pdu.AsSpan(session.Digests.DataOffset));
        if (opcode is 0x06 && !random.Once(10)) pdu[1] = 0x82;
        var isOrdered = (pdu[0] & 0x40) == 0 && opcode is 0x00 or 0x01 or 0x02 or 0x04 or 0x06;
        if (isOrdered && !random.Once(10)) session.CmdSn++;
        PduWriter.SealHeader(pdu, session.Digests);
        return pdu;
    }

    private static void Write(byte[] pdu, int offset, uint value) => System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(pdu.AsSpan(offset), value);
}
