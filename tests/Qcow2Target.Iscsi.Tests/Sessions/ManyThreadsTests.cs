using System.Buffers.Binary;
using System.Collections.Concurrent;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Iscsi.Tests.Sessions;

/// <summary>Slow operations that end on threads of their own, aborts from others, while the connection's thread goes on.</summary>
public sealed class ManyThreadsTests(ITestOutputHelper output)
{
    private const int Commands = 3000;
    private const int Workers = 3;
    private const int BlocksPerTag = 64;
    private const int MaxBlocks = 40;

    [Fact]
    public async Task Every_command_that_was_not_aborted_is_answered_once_in_order_of_stat_sn()
    {
        var run = new Run(new RandomSource(output.WriteLine));
        await run.GoAsync();
    }

    /// <summary>One initiator on the connection's thread that keeps a ring of tags busy: each owns its own blocks, so what it reads is what it wrote.</summary>
    private sealed class Run : ISessionEvents, ITargetDirectory, ICommandExecutor
    {
        private const int Tags = 100;

        private readonly RandomSource _random;
        private readonly FakeExecutor _disk = new(Tags * BlocksPerTag * 512) { RecordsWrites = false };
        private readonly BlockingCollection<Action> _work = [];
        private readonly BufferPool _pool = new();
        private readonly SessionMachine _machine;
        private readonly PduScanner _scanner = new(DigestUse.None, 1 << 20, 0);
        private readonly Dictionary<uint, (byte[] Expected, byte[]? Written)> _alive = [];
        private readonly List<byte> _wire = [];
        private uint _cmdSn = 1;
        private uint _maxCmdSn = IscsiLimits.MaxTasks;
        private uint _statSn = 1;
        private int _answered;
        private int _aborted;

        public Run(RandomSource random)
        {
            _random = random;
            var parameters = new SessionParameters
            {
                SessionType = SessionType.Normal,
                InitiatorName = "iqn.test:initiator",
                TargetName = "iqn.test:target",
                Isid = 1,
                Tsih = 1,
                ConnectionId = 0,
                PortalGroupTag = 1,
                PeerMaxRecvDataSegmentLength = 4096,
                MaxRecvDataSegmentLength = 262144,
                MaxBurstLength = 8192,
                FirstBurstLength = 4096,
                MaxOutstandingR2T = 2,
                ExpCmdSn = 1,
                StatSn = 1,
            };
            _machine = new SessionMachine(parameters, this, this, this, _pool);
        }

        public async Task GoAsync()
        {
            var workers = Enumerable.Range(0, Workers).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    foreach (var work in _work.GetConsumingEnumerable()) work();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)).ToArray();
            var sent = 0;
            var limit = DateTime.UtcNow.AddSeconds(60);
            while (sent < Commands || _alive.Count > 0)
            {
                Assert.True(DateTime.UtcNow < limit, $"{sent} sent, {_answered} answered, {_alive.Count} hang");
                if (sent < Commands && _alive.Count < Tags && !Iscsi.Sequencing.Serial.IsBefore(_maxCmdSn, _cmdSn))
                {
                    Send();
                    sent++;
                }

                if (_random.Once(50) && _alive.Count > 0) Abort(_alive.Keys.ElementAt(_random.Next(_alive.Count)));
                Serve();
            }

            _machine.Close();
            await _machine.Completion.WaitAsync(TimeSpan.FromSeconds(20));
            _work.CompleteAdding();
            await Task.WhenAll(workers);
            Assert.Equal(Commands, _answered + _aborted);
            Assert.Equal(0, _pool.HeldBytes);
            Assert.Equal(_disk.Begun, _disk.Gone);
        }

        public void OutputReady()
        {
        }

        public void LogoutRequested(LogoutRequest request) => Assert.Fail("nobody logs out");

        public IReadOnlyList<TargetRecord> All(string initiatorName) => [];

        public TargetRecord? Find(string initiatorName, string targetName) => null;

        public void Begin(ScsiTask task) => _disk.Begin(task);

        public bool TryRead(ScsiTask task, long position, Span<byte> destination) => !_random.Once(4) && _disk.TryRead(task, position, destination);

        public void StartRead(ScsiTask task, DataInBuffer destination) => _work.Add(() => _disk.EndRead(task, destination));

        public bool TryWrite(ScsiTask task, long position, ReadOnlySpan<byte> source) => !_random.Once(2) && _disk.TryWrite(task, position, source);

        public void StartWrite(ScsiTask task, DataOutBuffer source) => _work.Add(() => _disk.EndWrite(task, source));

        public void FinishWrite(ScsiTask task)
        {
            if ((task.InitiatorTaskTag & 1) == 0) task.Complete(0);
            else _work.Add(() => task.Complete(0));
        }

        public void Execute(ScsiTask task, ReadOnlyMemory<byte> parameters) => task.Complete(0);

        public bool WantsDescriptorSense(ScsiTask task) => false;

        public void Manage(TaskManagementRequest request) => request.Respond(TaskManagementResponse.NotSupported);

        public void Ended(ScsiTask task) => _disk.Ended(task);

        private void Send()
        {
            uint tag;
            do tag = (uint)_random.Next(Tags);
            while (_alive.ContainsKey(tag));
            var blocks = _random.Next(1, MaxBlocks);
            var length = blocks * 512;
            var isWrite = _random.Once(2);
            var data = isWrite ? _random.Bytes(length) : [];
            var immediate = Math.Min(data.Length, 4096);
            var pdu = new ScsiCommandPdu
            {
                IsFinal = true,
                IsRead = !isWrite,
                IsWrite = isWrite,
                InitiatorTaskTag = tag,
                ExpectedDataTransferLength = (uint)length,
                CmdSn = _cmdSn++,
                Cdb = BinaryPrimitives.ReadUInt128BigEndian(ScriptedInitiator.Cdb16(isWrite ? FakeExecutor.Write : FakeExecutor.Read, tag * BlocksPerTag, blocks)),
            };
            _alive.Add(tag, (isWrite ? [] : _disk.Disk.AsSpan((int)tag * BlocksPerTag * 512, length).ToArray(), isWrite ? data : null));
            Feed(pdu, data.AsSpan(0, immediate));
        }

        private void Feed<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
            where TPdu : struct, IPdu<TPdu>
        {
            var bytes = new byte[DigestUse.None.PduBytes(data.Length)];
            PduWriter.Write(pdu, data, bytes, DigestUse.None);
            Assert.NotEqual(ReceiveState.Ended, _machine.Receive(bytes).State);
        }

        private void Abort(uint tag)
        {
            var result = _machine.AbortTasks(TaskFilter.ByTag(tag));
            if (result.Count == 0) return;

            // The tag's blocks are touched by nobody once the abort is quiet.
            Assert.True(result.Quiet.Wait(TimeSpan.FromSeconds(20)));
            _aborted++;

            // What was laid out before the abort is read off before the tag is used again.
            Serve();
            _alive.Remove(tag);
        }

        private void Serve()
        {
            while (_machine.TryPeekOutput(out var bytes))
            {
                _wire.AddRange(bytes.Span);
                _machine.Advance(bytes.Length);
            }

            while (_machine.HasParkedWork) _machine.Pump();
            while (_scanner.Scan(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_wire), out var frame) == ScanState.Complete)
            {
                var pdu = new ScriptedInitiatorPdu(frame.Header.ToArray(), frame.Data.ToArray(), DataDigestHolds: true);
                _wire.RemoveRange(0, frame.Length);
                Take(pdu);
            }
        }

        private void Take(ScriptedInitiatorPdu pdu)
        {
            Assert.Equal(_statSn, BinaryPrimitives.ReadUInt32BigEndian(pdu.Header.AsSpan(24)));
            _maxCmdSn = Iscsi.Sequencing.Serial.Latest(_maxCmdSn, BinaryPrimitives.ReadUInt32BigEndian(pdu.Header.AsSpan(32)));
            if (pdu.Opcode == Opcode.NopIn) return;
            var hasStatus = pdu.Opcode switch
            {
                Opcode.DataIn => pdu.As<DataInPdu>().HasStatus,
                Opcode.ScsiResponse => true,
                _ => false,
            };
            if (hasStatus) _statSn++;
            if (!_alive.TryGetValue(pdu.InitiatorTaskTag, out var task))
            {
                // Of an aborted task, laid out before the abort.
                Assert.False(hasStatus);
                return;
            }

            switch (pdu.Opcode)
            {
                case Opcode.DataIn when task.Written is null:
                    var header = pdu.As<DataInPdu>();
                    Assert.Equal(task.Expected.AsSpan((int)header.BufferOffset, pdu.Data.Length).ToArray(), pdu.Data);
                    break;
                case Opcode.ReadyToTransfer when task.Written is { } written:
                    var r2t = pdu.As<ReadyToTransferPdu>();
                    Feed(
                        new DataOutPdu { IsFinal = true, InitiatorTaskTag = pdu.InitiatorTaskTag, TargetTransferTag = r2t.TargetTransferTag, BufferOffset = r2t.BufferOffset },
                        written.AsSpan((int)r2t.BufferOffset, (int)r2t.DesiredDataTransferLength));
                    break;
                case Opcode.ScsiResponse when task.Written is { } written:
                    Assert.Equal(0, pdu.As<ScsiResponsePdu>().ScsiStatus);
                    Assert.Equal(written, _disk.Disk.AsSpan((int)pdu.InitiatorTaskTag * BlocksPerTag * 512, written.Length).ToArray());
                    break;
                default:
                    // What is left over of an aborted task whose tag is used again.
                    Assert.False(hasStatus, pdu.Describe());
                    break;
            }

            if (!hasStatus) return;
            _answered++;
            _alive.Remove(pdu.InitiatorTaskTag);
        }
    }
}
