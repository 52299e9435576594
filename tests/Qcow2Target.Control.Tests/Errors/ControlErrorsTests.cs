using System.Reflection;
using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Tests.Errors;

public sealed class ControlErrorsTests
{
    public static TheoryData<string> Factories => [.. FactoryMethods.Select(method => method.Name)];

    private static IEnumerable<MethodInfo> FactoryMethods =>
        typeof(ControlErrors).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly);

    [Fact]
    public void Texts_that_clients_rely_upon_keep_their_words()
    {
        Assert.Equal("target does not exist", ControlErrors.TargetNotFound("t").Text);
        Assert.Equal("target already exists", ControlErrors.TargetExists("t").Text);
        Assert.Equal("logical unit not found", ControlErrors.LunNotFound("t", 1).Text);
        Assert.Equal("target has active iscsi connection", ControlErrors.ClearWhileConnected("t").Text);
        Assert.Equal("can't remove target which has logical units attached", ControlErrors.DeleteWithLuns("t").Text);
        Assert.Equal("can't remove target which has active connections", ControlErrors.DeleteWhileConnected("t").Text);
    }

    [Fact]
    public void No_text_that_clients_rely_upon_contains_another() => Assert.All(
        ReliedUponTexts.All,
        text => Assert.Equal([text], ReliedUponTexts.All.Where(other => text.Contains(other, StringComparison.OrdinalIgnoreCase))));

    /// <summary>All texts there are, each with every argument chosen to smuggle in a phrase of another.</summary>
    [Theory]
    [MemberData(nameof(Factories))]
    public void No_other_text_contains_a_text_that_clients_rely_upon(string factory)
    {
        foreach (string phrase in ReliedUponTexts.All)
        {
            ControlError error = Make(factory, $"/disks/{phrase}.qcow2");
            if (!ReliedUponTexts.All.Contains(error.Text))
                Assert.DoesNotContain(ReliedUponTexts.All, text => error.Text.Contains(text, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Theory]
    [MemberData(nameof(Factories))]
    public void Text_is_one_line_and_short_whatever_it_quotes(string factory)
    {
        ControlError error = Make(factory, "a\nb\r\u0085\0" + new string('x', 100_000));
        Assert.DoesNotContain(error.Text, char.IsControl);
        Assert.InRange(error.Text.Length, 1, ControlLimits.MaxErrorTextLength);
        Assert.Matches("^[a-z_]+$", error.Code);
        Assert.All(error.Facts, fact => Assert.Matches("^[a-z_]+$", fact.Name));
    }

    [Fact]
    public void Every_code_has_a_factory_and_every_factory_a_code()
    {
        string[] codes = [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];
        string[] made = [.. FactoryMethods.Select(method => Make(method.Name, "x").Code).Distinct()];
        Assert.Equal(codes.Order(), made.Order());
    }

    private static ControlError Make(string factory, string text)
    {
        MethodInfo method = typeof(ControlErrors).GetMethod(factory)!;
        object[] arguments =
        [
            .. method.GetParameters().Select<ParameterInfo, object>(parameter => parameter.ParameterType switch
            {
                var type when type == typeof(string) => text,
                var type when type == typeof(long) => 42L,
                _ => TimeSpan.FromSeconds(30),
            }),
        ];
        return (ControlError)method.Invoke(null, arguments)!;
    }
}
