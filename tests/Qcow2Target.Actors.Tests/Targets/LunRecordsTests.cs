using Qcow2Target.Actors.Targets;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class LunRecordsTests
{
    private static readonly StoredLun A = Lun(0, 1), B = Lun(0, 2), C = Lun(0, 3);

    private readonly LunRecords _records = new([A]);

    private static StoredLun Lun(int lun, ulong inode) => new(lun, "/disks/a.qcow2", null, new StoredFile(1, inode));

    private LunProposal Propose(StoredLun stored) => Assert.Single(_records.Take([new LunChange.Proposed(stored)]));

    private void Tell(int lun, StoredLun? stored) => Assert.Empty(_records.Take([new LunChange.InForce(lun, stored)]));

    private void MustHold(params StoredLun[] luns) => Assert.Equal(luns, _records.All);

    [Fact]
    public void A_proposal_goes_with_the_next_save_and_what_is_not_saved_is_what_it_was()
    {
        var proposal = Propose(B);
        MustHold(B);
        proposal.NotSaved();
        MustHold(A);
    }

    [Fact]
    public void A_lun_that_is_not_saved_never_was()
    {
        var proposal = Propose(Lun(7, 9));
        proposal.NotSaved();
        MustHold(A);
    }

    [Fact]
    public void Of_two_proposals_in_flight_the_later_stands_where_the_earlier_is_not_saved()
    {
        var first = Propose(B);
        var second = Propose(C);
        first.NotSaved();
        MustHold(C);
        second.Saved();
        MustHold(C);
    }

    [Fact]
    public void Where_neither_of_two_is_saved_the_state_before_both_stands()
    {
        var first = Propose(B);
        var second = Propose(C);
        first.NotSaved();
        second.NotSaved();
        MustHold(A);
    }

    [Fact]
    public void Where_only_the_later_is_not_saved_the_earlier_stands()
    {
        var first = Propose(B);
        var second = Propose(C);
        first.Saved();
        MustHold(C);
        second.NotSaved();
        MustHold(B);
    }

    [Fact]
    public void Proposals_for_different_luns_have_nothing_to_do_with_each_other()
    {
        var attached = Lun(1, 8);
        var refused = Propose(B);
        var other = Propose(attached);
        refused.NotSaved();
        other.Saved();
        MustHold(A, attached);
    }

    [Fact]
    public void What_is_in_force_is_not_taken_back_by_what_becomes_of_an_earlier_proposal()
    {
        var saved = Propose(B);
        var notSaved = Propose(C);
        Tell(0, A);
        saved.Saved();
        MustHold(A);
        notSaved.NotSaved();
        MustHold(A);
        Propose(C).NotSaved();
        MustHold(A);
    }

    [Fact]
    public void A_lun_that_has_gone_does_not_come_back_and_its_id_is_free_for_another()
    {
        var late = Propose(B);
        Tell(0, null);
        MustHold();
        late.Saved();
        MustHold();
        var another = Propose(C);
        late.NotSaved();
        MustHold(C);
        another.NotSaved();
        MustHold();
    }

    [Fact]
    public void Changes_of_one_message_are_taken_in_their_order()
    {
        var proposal = Assert.Single(_records.Take([new LunChange.InForce(0, null), new LunChange.Proposed(B)]));
        MustHold(B);
        proposal.NotSaved();
        MustHold();
    }

    [Fact]
    public void Of_a_target_that_failed_only_what_was_saved_stands()
    {
        var refused = Propose(Lun(1, 8));
        var changed = Propose(B);
        _records.TakeBackProposals();
        MustHold(A);
        changed.Saved();
        refused.NotSaved();
        MustHold(A);
    }
}
