using System.Reflection;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi.Sense;
using static Qcow2Target.EndToEnd.Tests.Refusals.RefusalFixture;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>One test for each sense that a command is refused with: key, codes, the field at fault, and a session that goes on.</summary>
public sealed class SenseTests(RefusalFixture fixture) : IClassFixture<RefusalFixture>
{
    /// <summary>By name: the sense as <see cref="Answer.Describe"/> shows it, and what provokes it.</summary>
    private static readonly Dictionary<string, Refusal> Refusals = new()
    {
        ["nothing to tell"] = new(nameof(SenseData.NoSense), "0/00/00", async s => new Answer(ScsiResult.CheckCondition, (await s.RunAsync([0x03, 0, 0, 0, 18, 0], read: 18)).DataIn, [])),
        ["an opcode that is not there"] = new(nameof(SenseData.InvalidOpcode), "5/20/00@0", s => s.RunAsync([0xC5])),
        ["a service action that is not there"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.4", s => s.RunAsync(Sixteen(0x9E, 0x1F, 0, 0))),
        ["a page of VPD that is not there"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@2", s => s.RunAsync([0x12, 1, 0x99, 0, 255, 0], read: 255)),
        ["a page of VPD without EVPD"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@2", s => s.RunAsync([0x12, 0, 0x80, 0, 255, 0], read: 255)),
        ["protection information"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.7", s => s.RunAsync(Sixteen(0x88, 0x20, 0, 1), read: 512)),
        ["NACA"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@5.2", s => s.RunAsync([0, 0, 0, 0, 0, 4])),
        ["more blocks than a transfer may have"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@10", s => s.RunAsync(Sixteen(0x88, 0, 0, 65537), lun: Growing, read: 512)),
        ["a reporting option that is not there"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@2.2", s => s.RunAsync([0xA3, 0x0C, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0], read: 256)),
        ["WRITE SAME with ANCHOR alone"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.4", s => s.RunAsync(Sixteen(0x93, 0x10, 0, 1), new byte[512])),
        ["VERIFY with a BYTCHK that is reserved"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.2", s => s.RunAsync(Sixteen(0x8F, 0x04, 0, 1))),
        ["PERSISTENT RESERVE IN with an action that is not there"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.4", s => s.RunAsync([0x5E, 0x1F, 0, 0, 0, 0, 0, 0, 8, 0], read: 8)),
        ["PERSISTENT RESERVE OUT for an element"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@2", s => s.ReserveAsync(1, 0, 0, type: 0x21)),
        ["an eject of a disk that is fixed"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@4.1", s => s.RunAsync([0x1B, 0, 0, 0, 2, 0])),
        ["SANITIZE with a reserved bit"] = new(nameof(SenseData.InvalidFieldInCdb), "5/24/00@1.6", s => s.RunAsync([0x48, 0x42, 0, 0, 0, 0, 0, 0, 0, 0])),
        ["a block behind the last"] = new(nameof(SenseData.LbaOutOfRange), "5/21/00", s => s.RunAsync(Sixteen(0x88, 0, PlainBlocks, 1), read: 512)),
        ["no block behind the one behind the last"] = new(nameof(SenseData.LbaOutOfRange), "5/21/00", s => s.RunAsync(Sixteen(0x88, 0, PlainBlocks + 1, 0))),
        ["the last block that a number can name"] = new(nameof(SenseData.LbaOutOfRange), "5/21/00", s => s.RunAsync(Sixteen(0x8A, 0, ulong.MaxValue, 1), new byte[512])),
        ["a LUN that is not there"] = new(nameof(SenseData.UnitNotSupported), "5/25/00", s => s.RunAsync([0, 0, 0, 0, 0, 0], lun: NoLun)),
        ["UNMAP with half a header"] = new(nameof(SenseData.ParameterListLengthError), "5/1A/00", s => s.RunAsync([0x42, 0, 0, 0, 0, 0, 0, 0, 4, 0], new byte[4])),
        ["PERSISTENT RESERVE OUT with a short list"] = new(nameof(SenseData.ParameterListLengthError), "5/1A/00", s => s.RunAsync([0x5F, 0, 0, 0, 0, 0, 0, 0, 16, 0], new byte[16])),
        ["UNMAP of more ranges than there may be"] = new(nameof(SenseData.InvalidFieldInParameterList), "5/26/00@P2", s => s.UnmapAsync(257)),
        ["MODE SELECT of a page that is not there"] = new(nameof(SenseData.InvalidFieldInParameterList), "5/26/00@P4.5", s => s.RunAsync([0x15, 0x10, 0, 0, 6, 0], [0, 0, 0, 0, 0x3E, 0])),
        ["MODE SELECT of a bit that cannot change"] = new(nameof(SenseData.InvalidFieldInParameterList), "5/26/00@P6.5", s => s.SelectControlAsync(2, 0x20)),
        ["pages that would be saved"] = new(nameof(SenseData.SavingParametersNotSupported), "5/39/00", s => s.RunAsync([0x1A, 8, 0xCA, 0, 255, 0], read: 255)),
        ["COMPARE AND WRITE of half its data"] = new(nameof(SenseData.InvalidFieldInInformationUnit), "5/0E/03", s => s.RunAsync(CompareAndWrite(0), new byte[512])),
        ["a byte that compares otherwise"] = new(nameof(SenseData.Miscompare), "E/1D/00+7", s => s.RunAsync(CompareAndWrite(8), [0, 0, 0, 0, 0, 0, 0, 9, .. new byte[1016]])),
        ["a write to a disk that is read only"] = new(nameof(SenseData.WriteProtected), "7/27/00", s => s.RunAsync(Sixteen(0x8A, 0, 0, 1), new byte[512], ReadOnly)),
        ["a write to a disk that software protects"] = new(nameof(SenseData.SoftwareWriteProtected), "7/27/02", async s =>
        {
            await s.MustAsync(s.SelectControlAsync(4, 0x08, Growing));
            Answer answer = await s.RunAsync(Sixteen(0x8A, 0, 0, 1), new byte[512], Growing);
            await s.MustAsync(s.SelectControlAsync(4, 0x08, Growing));
            return answer;
        }),
        ["data where an image contradicts itself"] = new(nameof(SenseData.UnrecoveredReadError), "3/11/00", s => s.RunAsync(Sixteen(0x88, 0, 0, 1), lun: Damaged, read: 512)),
        ["data behind the end of the file"] = new(nameof(SenseData.UnrecoveredReadError), "3/11/00", s => s.RunAsync(Sixteen(0x88, 0, 128, 1), lun: Cut, read: 512)),
        ["a tray that is empty"] = new(nameof(SenseData.MediumNotPresent), "2/3A/00", async s =>
        {
            await s.MustAsync(s.RunAsync([0x1B, 0, 0, 0, 2, 0], lun: Removable));
            Answer answer = await s.RunAsync([0, 0, 0, 0, 0, 0], lun: Removable);
            await s.MustAsync(s.RunAsync([0x1B, 0, 0, 0, 3, 0], lun: Removable));
            return answer;
        }),
        ["an eject that somebody prevents"] = new(nameof(SenseData.MediumRemovalPrevented), "5/53/02", async s =>
        {
            await s.MustAsync(s.RunAsync([0x1E, 0, 0, 0, 1, 0], lun: Removable));
            Answer answer = await s.RunAsync([0x1B, 0, 0, 0, 2, 0], lun: Removable);
            await s.MustAsync(s.RunAsync([0x1E, 0, 0, 0, 0, 0], lun: Removable));
            return answer;
        }),
        ["the release of another type"] = new(nameof(SenseData.InvalidRelease), "5/26/04", async s =>
        {
            await s.MustAsync(s.ReserveAsync(6, 0, 0xA));
            await s.MustAsync(s.ReserveAsync(1, 0xA, 0, type: 1));
            Answer answer = await s.ReserveAsync(2, 0xA, 0, type: 3);
            await s.MustAsync(s.ReserveAsync(3, 0xA, 0));
            return answer;
        }),
        ["a disk that is being sanitized"] = new(nameof(SenseData.SanitizeInProgress), "2/04/1B%", async s =>
        {
            await s.MustAsync(s.RunAsync([0x48, 0x81, 0, 0, 0, 0, 0, 0, 5, 0], [1, 0, 0, 1, 0x55], Large));
            return await s.RunAsync([0, 0, 0, 0, 0, 0], lun: Large);
        }),

        ["a copy with too many targets"] = new(nameof(SenseData.TooManyTargetDescriptors), "5/26/06", s => s.CopyAsync(17, 0xE4, 1, 0x02)),
        ["a copy with a target of another kind"] = new(nameof(SenseData.UnsupportedTargetDescriptor), "5/26/07", s => s.CopyAsync(1, 0xE5, 1, 0x02)),
        ["a copy with too many segments"] = new(nameof(SenseData.TooManySegmentDescriptors), "5/26/08", s => s.CopyAsync(1, 0xE4, 65, 0x02)),
        ["a copy with a segment of another kind"] = new(nameof(SenseData.UnsupportedSegmentDescriptor), "5/26/09", s => s.CopyAsync(1, 0xE4, 1, 0x03)),
        ["a copy from a disk that is not there"] = new(nameof(SenseData.UnreachableCopyTarget), "A/08/04", s => s.CopyAsync(1, 0xE4, 1, 0x02, spoil: list => list[24 + 8] ^= 0x55)),
        ["a copy from behind the end"] = new(nameof(SenseData.CopyAborted), "A/00/00", s => s.CopyAsync(1, 0xE4, 1, 0x02, spoil: list => list[16 + 32 + 12] = 0x7F)),

        ["data in the command that was not agreed upon"] = new("UnexpectedUnsolicitedData", "B/0C/0C", s => s.RunAsync(Sixteen(0x8A, 0, 0, 1), new byte[512])) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["a sequence that ends too soon"] = new("IncorrectAmountOfData", "B/0C/0D", s => s.AnswerWriteAsync(length: 512)) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["a sequence with a wrong number"] = new("ProtocolServiceCrcError", "B/47/05", s => s.AnswerWriteAsync(dataSn: 1)) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["a sequence at a wrong offset"] = new("ProtocolServiceCrcError", "B/47/05", s => s.AnswerWriteAsync(offset: 512)) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["a sequence longer than was asked for"] = new("ProtocolServiceCrcError", "B/47/05", s => s.AnswerWriteAsync(length: 2048)) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["a sequence with a wrong transfer tag"] = new("ProtocolServiceCrcError", "B/47/05", s => s.AnswerWriteAsync(tagChange: 0x10)) { Options = o => o with { ImmediateData = false, InitialR2T = true } },
        ["data with a broken digest"] = new("ProtocolServiceCrcError", "B/47/05", s => s.AnswerWriteAsync(spoil: bytes => [.. bytes[..^1], (byte)~bytes[^1]])) { Options = o => o with { ImmediateData = false, InitialR2T = true, DataDigest = "CRC32C" } },
        ["a write whose initiator would read"] = new("InvalidFieldInCommandInformationUnit", "5/0E/03", s => s.RunAsync(Sixteen(0x8A, 0, 0, 1), read: 512)),
        ["the attribute ACA"] = new("InvalidMessageError", "5/49/00", s => s.RunAsync([0, 0, 0, 0, 0, 0], attribute: 4)),
    };

    /// <summary>Why no command here can meet a sense, or where it is tried instead.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        [nameof(SenseData.BecomingReady)] = "needs an image that fails under the daemon; tried with a device that is out of service in TestUnitReadyTests and ReadCapacityTests",
        [nameof(SenseData.Offline)] = "the daemon gives no disk up for good: it tries again for ever; tried in ReadCapacityTests",
        [nameof(SenseData.SanitizeFailed)] = "needs a disk whose writes fail; tried in SanitizeTests",
        [nameof(SenseData.FormatInProgress)] = "lasts for milliseconds; tried in SanitizeTests, which holds the device up",
        [nameof(SenseData.ThirdPartyDeviceFailure)] = "needs a disk that fails; tried in ExtendedCopyTests",
        [nameof(SenseData.InternalTargetFailure)] = "reads of a damaged image are 3/11/00, and it takes no writes; a fault of ours is tried in WriteTests and PersistentReserveOutTests",
        [nameof(SenseData.OperationInProgress)] = "needs a copy that takes long; tried in ExtendedCopyTests",
        [nameof(SenseData.WriteError)] = "needs a disk whose writes fail; tried in FaultSenseTests and WriteTests",
        [nameof(SenseData.SpaceAllocationFailed)] = "writes wait for space (FullFileSystemTests); what cannot wait is tried in FaultSenseTests and WriteTests",
        [nameof(SenseData.InsufficientRegistrationResources)] = "needs 1024 nexuses, more than a target has; tried in PersistentReserveOutTests",
        [nameof(SenseData.Attention)] = nameof(UnitAttentionTests),
    };

    public static TheoryData<string> Names => [.. Refusals.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_command_ends_with_its_sense_and_the_session_goes_on(string because)
    {
        Refusal refusal = Refusals[because];
        using RawCommands session = await RawCommands.LoginAsync(fixture, refusal.Options);
        Answer answer = await refusal.ProvokeAsync(session);
        Assert.Equal(ScsiResult.CheckCondition, answer.Status);
        Assert.Equal(refusal.Sense, answer.Describe());
        Assert.Equal(ScsiResult.Good, (await session.RunAsync([0, 0, 0, 0, 0, 0])).Status);
    }

    [Fact]
    public void Every_sense_is_given_or_has_a_reason_why_not()
    {
        Type ofTransport = typeof(SessionMachine).Assembly.GetType("Qcow2Target.Iscsi.Sessions.SenseData", throwOnError: true)!;
        IEnumerable<string> named = new[] { typeof(SenseData), ofTransport }.SelectMany(NamesOf);
        Assert.Equal(named.Distinct().Order(), Refusals.Values.Select(refusal => refusal.Name).Distinct().Concat(Elsewhere.Keys).Order());
    }

    [Fact]
    public async Task With_d_sense_the_same_is_told_in_descriptors()
    {
        using RawCommands session = await RawCommands.LoginAsync(fixture), strict = await RawCommands.LoginAsync(fixture, options => options with { ImmediateData = false, InitialR2T = true });
        await session.MustAsync(session.SelectControlAsync(2, 0x04, Growing));
        Answer field = await session.RunAsync(Sixteen(0x88, 0x20, 0, 1), lun: Growing, read: 512);
        Answer byTransport = await strict.RunAsync(Sixteen(0x8A, 0, 0, 1), new byte[512], Growing);
        await session.MustAsync(session.SelectControlAsync(2, 0x04, Growing));
        Assert.Equal((0x72, 0x72), (field.Sense[0], byTransport.Sense[0]));
        Assert.Equal(("5/24/00@1.7", "B/0C/0C"), (field.Describe(), byTransport.Describe()));
        Assert.Equal(0x70, (await session.RunAsync([0xC5], lun: Growing)).Sense[0]);
    }

    internal static byte[] Sixteen(byte opcode, byte flags, ulong lba, uint blocks)
    {
        byte[] cdb = new byte[16];
        (cdb[0], cdb[1]) = (opcode, flags);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(cdb.AsSpan(2), lba);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(10), blocks);
        return cdb;
    }

    private static byte[] CompareAndWrite(byte lba) => [0x89, 0, 0, 0, 0, 0, 0, 0, 0, lba, 0, 0, 0, 1, 0, 0];

    // What makes a sense: static properties, and static methods that give one for what they are told.
    private static IEnumerable<string> NamesOf(Type type) =>
        type.GetMembers(BindingFlags.Public | BindingFlags.Static)
            .Where(member => (member as PropertyInfo)?.PropertyType == type || member is MethodInfo { IsSpecialName: false } method && method.ReturnType == type)
            .Select(member => member.Name);

    /// <param name="Name">The member of SenseData that is meant.</param>
    /// <param name="Sense">What the initiator must be told.</param>
    /// <param name="ProvokeAsync">Gets to it, and leaves nothing behind.</param>
    private sealed record Refusal(string Name, string Sense, Func<RawCommands, Task<Answer>> ProvokeAsync)
    {
        public Func<SessionOptions, SessionOptions> Options { get; init; } = options => options;
    }
}
