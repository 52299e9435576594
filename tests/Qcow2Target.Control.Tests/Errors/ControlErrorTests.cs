using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Tests.Errors;

public sealed class ControlErrorTests
{
    [Fact]
    public void Text_of_a_foreign_exception_is_kept_apart_from_the_texts_of_the_contract()
    {
        var error = new ControlError(ErrorCodes.Internal, "Target Does Not Exist, says somebody");
        Assert.Equal("target_does_not_exist, says somebody", error.Text);
    }

    [Fact]
    public void Phrase_split_by_a_control_character_is_kept_apart_too()
    {
        var error = new ControlError(ErrorCodes.Internal, "target does\nnot exist");
        Assert.DoesNotContain(ReliedUponTexts.TargetDoesNotExist, error.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Long_text_is_cut_between_characters()
    {
        var error = new ControlError(ErrorCodes.Internal, "x" + string.Concat(Enumerable.Repeat("\U0001F4BE", ControlLimits.MaxErrorTextLength)));
        Assert.InRange(error.Text.Length, ControlLimits.MaxErrorTextLength - 2, ControlLimits.MaxErrorTextLength);
        Assert.Equal(error.Text, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(error.Text)));
    }

    [Fact]
    public void Error_without_a_text_cannot_be_made() =>
        Assert.Throws<ArgumentException>(() => new ControlError(ErrorCodes.Internal, ""));
}
