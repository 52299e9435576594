using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Reservations;

/// <summary>
/// Random PERSISTENT RESERVE OUTs of four nexuses against a model written from the standard's rules alone: status, keys, generation,
/// reservation, unit attentions of each nexus, and who may read and write.
/// </summary>
public sealed class ReservationModelTests
{
    private const int Nexuses = 4;
    private static readonly byte[] Types = [1, 3, 5, 6, 7, 8];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_unit_does_what_the_model_does(int seed)
    {
        var random = new Random(seed);
        for (int life = 0; life < 60; life++)
        {
            var bench = new Bench(settings: new LogicalUnitSettings { Host = new RecordingHost() });
            ItNexus[] nexuses = [.. Enumerable.Range(0, Nexuses).Select(_ => bench.NewNexus())];
            var model = new Model();
            var history = new List<string>();
            for (int step = 0; step < 40; step++)
            {
                int who = random.Next(Nexuses);
                byte action = (byte)random.Next(8);
                ulong own = model.Keys[who];
                ulong key = random.Next(5) == 0 ? (ulong)random.Next(4) : own;
                ulong actionKey = (ulong)random.Next(4);
                byte type = random.Next(3) > 0 && model.Type != 0 ? model.Type : Types[random.Next(Types.Length)];
                int to = random.Next(Nexuses);
                bool unregisters = random.Next(2) == 0;
                history.Add($"{who}: action {action}, key {key}, action key {actionKey}, type {type}, to {to}, unregisters {unregisters}");

                string expected = model.Do(who, action, key, actionKey, type, to, unregisters);
                string actual = action == 7
                    ? Move(bench, nexuses[who], key, actionKey, nexuses[to], unregisters)
                    : bench.Out(nexuses[who], action, key, actionKey, type);

                string Told() => $"seed {seed}:\n" + string.Join('\n', history);
                Assert.True(expected == actual, $"{expected} expected, {actual}; {Told()}");
                Assert.True(model.Describe() == Describe(bench), $"{model.Describe()} expected, {Describe(bench)}; {Told()}");
                for (int i = 0; i < Nexuses; i++)
                {
                    string attentions = Attentions(bench, nexuses[i]);
                    Assert.True(model.TakeAttentions(i) == attentions, $"nexus {i} was told {attentions}; {Told()}");
                    (bool reads, bool writes) = (!Conflicts(bench, nexuses[i], 0x28), !Conflicts(bench, nexuses[i], 0x2A));
                    Assert.True(model.Access(i) == (reads, writes), $"nexus {i} reads {reads}, writes {writes}; {Told()}");
                }
            }
        }
    }

    private static bool Conflicts(Bench bench, ItNexus nexus, byte opcode) =>
        bench.Begin(TestCdb.Ten(opcode, 0, 1), nexus: nexus).Outcome?.Status == ScsiStatus.ReservationConflict;

    private static string Move(Bench bench, ItNexus from, ulong key, ulong newKey, ItNexus to, bool unregisters)
    {
        byte[] id = TransportId.Encode(to.Initiator);
        byte[] list = [.. ReserveOut.List(key, newKey)[..16], 0, (byte)(unregisters ? 2 : 0), 0, 1, 0, 0, 0, (byte)id.Length, .. id];
        return bench.Refusal(ReserveOut.Cdb(7, 0, list.Length), list, nexus: from);
    }

    private static string Attentions(Bench bench, ItNexus nexus)
    {
        var told = new List<string>();
        while (Bench.Describe(bench.Run([0x00], nexus: nexus)) is var outcome and not "Good")
            told.Add(outcome[2..]);
        return string.Join(' ', told.Order());
    }

    private static string Describe(Bench bench)
    {
        string[] keys = bench.ReadKeys().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return $"{keys[0]} {string.Join(' ', keys[1..].Order())} {bench.ReadReservation()}";
    }

    private sealed class Model
    {
        private readonly List<string>[] _told = [.. Enumerable.Range(0, Nexuses).Select(_ => new List<string>())];
        private uint _generation;
        private int _holder;

        /// <summary>0: not registered.</summary>
        public ulong[] Keys { get; } = new ulong[Nexuses];

        /// <summary>0: no reservation.</summary>
        public byte Type { get; private set; }

        public string Do(int who, byte action, ulong key, ulong actionKey, byte type, int to, bool unregisters)
        {
            const string good = "Good";
            const string conflict = "ReservationConflict";
            if (action != 6 && (action == 0 ? key != Keys[who] : Keys[who] == 0 || key != Keys[who]))
                return conflict;
            switch (action)
            {
                case 0 or 6:
                    if (Keys[who] == 0 && actionKey == 0)
                        return good;
                    _generation++;
                    if (actionKey == 0)
                        Unregister(who, by: who);
                    else
                        Keys[who] = actionKey;
                    return good;
                case 1:
                    if (Type != 0)
                        return Type == type && Holds(who) ? good : conflict;
                    (Type, _holder) = (type, who);
                    return good;
                case 2:
                    if (Type == 0 || !Holds(who))
                        return good;
                    if (type != Type)
                        return "5/26/04";
                    End(by: who);
                    return good;
                case 3:
                    for (int i = 0; i < Nexuses; i++)
                    {
                        Tell(i, "2A/03", by: who);
                        Keys[i] = 0;
                    }

                    Type = 0;
                    _generation++;
                    return good;
                case 4 or 5:
                    return DoPreempt(who, actionKey, type);
                default:
                    if (Type is 0 or 7 or 8 || !Holds(who))
                        return conflict;
                    if (actionKey == 0)
                        return "5/26/00@P8";
                    if (to == who)
                        return "5/26/00@P24";
                    (Keys[to], _holder) = (actionKey, to);
                    if (unregisters)
                        Keys[who] = 0;
                    _generation++;
                    return good;
            }
        }

        public (bool Reads, bool Writes) Access(int who)
        {
            bool all = Type == 0 || Holds(who) || (Type >= 5 && Keys[who] != 0);
            return (all || Type is 1 or 5 or 7, all);
        }

        public string TakeAttentions(int who)
        {
            string told = string.Join(' ', _told[who].Distinct().Order());
            _told[who].Clear();
            return told;
        }

        public string Describe()
        {
            (ulong Key, byte Type)? reservation = Type == 0 ? null : (Type >= 7 ? 0 : Keys[_holder], Type);
            return $"{_generation}: {string.Join(' ', Keys.Where(key => key != 0).Select(key => key.ToString("X", null)).Order())} {reservation}";
        }

        private string DoPreempt(int who, ulong victim, byte type)
        {
            bool everybody = victim == 0 && Type is 7 or 8;
            if (victim == 0 && !everybody)
                return "5/26/00@P8";
            if (!everybody && !Keys.Contains(victim))
                return "ReservationConflict";
            _generation++;
            bool takes = everybody || (Type is >= 1 and <= 6 && Keys[_holder] == victim);
            for (int i = 0; i < Nexuses; i++)
            {
                if (Keys[i] == 0 || (!everybody && Keys[i] != victim) || i == who)
                    continue;
                Keys[i] = 0;
                Tell(i, "2A/05", by: who, registered: false);
            }

            if (takes)
            {
                for (int i = 0; i < Nexuses && Type != type; i++)
                    Tell(i, "2A/04", by: who);
                (Type, _holder) = (type, who);
            }
            else if (Keys[who] == victim)
            {
                Unregister(who, by: who);
            }

            return "Good";
        }

        private bool Holds(int who) => Keys[who] != 0 && Type != 0 && (Type >= 7 || _holder == who);

        private void Unregister(int who, int by)
        {
            bool ends = Type != 0 && (Type >= 7 ? Keys.Count(key => key != 0) == 1 : _holder == who);
            Keys[who] = 0;
            if (ends)
                End(by);
        }

        private void End(int by)
        {
            for (int i = 0; i < Nexuses && Type >= 5; i++)
                Tell(i, "2A/04", by);
            Type = 0;
        }

        private void Tell(int who, string attention, int by, bool registered = true)
        {
            if (who != by && (!registered || Keys[who] != 0))
                _told[who].Add(attention);
        }
    }
}
