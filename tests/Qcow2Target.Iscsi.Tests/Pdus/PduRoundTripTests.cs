using System.Reflection;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Iscsi.Tests.Pdus;

public sealed class PduRoundTripTests(ITestOutputHelper output)
{
    public static TheoryData<Type> PduTypes()
    {
        var types = new TheoryData<Type>();
        foreach (var type in Types()) types.Add(type);
        return types;
    }

    [Fact]
    public void Every_opcode_has_its_pdu()
        => Assert.Equal(
            Enum.GetValues<Opcode>().Order(),
            Types().Select(type => (Opcode)type.GetProperty("Opcode", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!).Order());

    [Theory]
    [MemberData(nameof(PduTypes))]
    public void Fields_survive_writing_and_parsing(Type type)
        => GetType().GetMethod(nameof(RoundTrip), BindingFlags.NonPublic | BindingFlags.Instance)!.MakeGenericMethod(type).Invoke(this, []);

    [Fact]
    public void Fields_stand_where_the_rfc_puts_them()
    {
        var header = new byte[48];
        new ScsiCommandPdu
        {
            IsImmediate = true,
            IsFinal = true,
            IsWrite = true,
            Attribute = Iscsi.Sessions.TaskAttribute.Ordered,
            Lun = 0x0102_0304_0506_0708,
            InitiatorTaskTag = 0x1112_1314,
            ExpectedDataTransferLength = 0x2122_2324,
            CmdSn = 0x3132_3334,
            ExpStatSn = 0x4142_4344,
            Cdb = ((UInt128)0x5152_5354_5556_5758 << 64) | 0x595A_5B5C_5D5E_5F60,
        }.Write(header);
        Assert.Equal("41A2000000000000" + "0102030405060708" + "11121314" + "21222324" + "31323334" + "41424344" + "5152535455565758595A5B5C5D5E5F60", Convert.ToHexString(header));
        header = new byte[48];
        new DataInPdu { IsFinal = true, HasStatus = true, IsUnderflow = true, ScsiStatus = 4, InitiatorTaskTag = 1, TargetTransferTag = uint.MaxValue, StatSn = 2, ExpCmdSn = 3, MaxCmdSn = 4, DataSn = 5, BufferOffset = 6, ResidualCount = 7 }.Write(header);
        Assert.Equal("2583000400000000" + "0000000000000000" + "00000001" + "FFFFFFFF" + "00000002" + "00000003" + "00000004" + "00000005" + "00000006" + "00000007", Convert.ToHexString(header));
        header = new byte[48];
        new LoginResponsePdu { IsTransit = true, CurrentStage = LoginStage.LoginOperationalNegotiation, NextStage = LoginStage.FullFeature, Isid = 0x8012_3456_789A, Tsih = 0xBCDE, LoginStatus = Iscsi.Login.LoginStatus.NotFound }.Write(header);
        Assert.Equal("2387000000000000" + "80123456789ABCDE" + new string('0', 40) + "02030000" + "0000000000000000", Convert.ToHexString(header));
        header = new byte[48];
        new LogoutResponsePdu { Response = Iscsi.Sessions.LogoutResponseCode.CleanupFailed, Time2Wait = 0x0102, Time2Retain = 0x0304 }.Write(header);
        Assert.Equal("26800300" + new string('0', 72) + "01020304" + "00000000", Convert.ToHexString(header));
    }

    [Theory]
    [InlineData(1024, 5)]
    [InlineData(2, 5)]
    [InlineData(0, 1 << 24)]
    public void Lengths_that_do_not_fit_their_field_are_refused(int additional, int data)
        => Assert.Throws<ArgumentOutOfRangeException>(() => BasicHeader.SetLengths(new byte[48], additional, data));

    private static IEnumerable<Type> Types() => typeof(IPdu<>).Assembly.GetTypes().Where(type => type.IsValueType && type.GetInterfaces().Any(IsPdu));

    private static bool IsPdu(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IPdu<>);

    // Any 48 bytes parse, and what was parsed is written so that it parses to the same: also for bits that a field does not have.
    private void RoundTrip<TPdu>()
        where TPdu : struct, IPdu<TPdu>
    {
        var random = new RandomSource(output.WriteLine);
        for (var i = 0; i < 200; i++)
        {
            var once = TPdu.Parse(random.Bytes(48));
            var header = new byte[48];
            once.Write(header);
            Assert.Equal(TPdu.Opcode, BasicHeader.Opcode(header));
            Assert.Equal(once, TPdu.Parse(header));
            var whole = new byte[DigestUse.None.PduBytes(5)];
            PduWriter.Write(once, [1, 2, 3, 4, 5], whole, DigestUse.None);
            Assert.Equal(once, TPdu.Parse(whole));
            Assert.Equal(5, BasicHeader.DataSegmentLength(whole));
        }
    }
}
