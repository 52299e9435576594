using Newtonsoft.Json.Linq;
using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class CreateCommandTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task An_image_is_made_as_the_options_say_and_nothing_is_printed()
    {
        var path = _directory["t.qcow2"];
        Assert.Equal(new AdminRun(0, "", ""), await AdminRun.OfAsync("create", "-c", "32k", "--refcount-bits=8", "--extended-l2", "--lazy-refcounts", "--preallocate", path, "10M"));
        var info = QemuImg.Info(path);
        var specific = info.GetProperty("format-specific").GetProperty("data");
        Assert.Equal(10 << 20, info.GetProperty("virtual-size").GetInt64());
        Assert.Equal(32 << 10, info.GetProperty("cluster-size").GetInt32());
        Assert.Equal(8, specific.GetProperty("refcount-bits").GetInt32());
        Assert.True(specific.GetProperty("extended-l2").GetBoolean());
        Assert.True(specific.GetProperty("lazy-refcounts").GetBoolean());
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(path));
    }

    [Theory]
    [InlineData("qcow2", 5 << 20)]
    [InlineData("raw", 100352)]
    public async Task An_overlay_is_as_large_as_its_base_unless_told_otherwise(string format, long size)
    {
        if (format == "qcow2") QemuImg.Create(_directory["base"], size);
        else _directory.File("base", new byte[size - 100]);
        var run = await AdminRun.OfAsync("create", "--json", "-b", "base", "-F", format, _directory["t.qcow2"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(size, JObject.Parse(run.Output)["result"]!.Value<long>("size_bytes"));
        Assert.Equal(size, QemuImg.Info(_directory["t.qcow2"]).GetProperty("virtual-size").GetInt64());
        Assert.Equal(0, (await AdminRun.OfAsync("create", "-b", "base", "-F", format, _directory["u.qcow2"], "7M")).ExitCode);
        Assert.Equal(7 << 20, QemuImg.Info(_directory["u.qcow2"]).GetProperty("virtual-size").GetInt64());
    }

    [Theory]
    [InlineData("say how large")]
    [InlineData("not 'big'", "big")]
    [InlineData("not a positive multiple", "1000")]
    [InlineData("not a power of two", "1M", "-c", "3000")]
    [InlineData("with extended L2 entries", "1M", "-c", "4k", "--extended-l2")]
    [InlineData("refcounts of 3 bits", "1M", "--refcount-bits", "3")]
    [InlineData("named together with its format", "1M", "-b", "base")]
    [InlineData("whether the backing file is", "-b", "base")]
    [InlineData("raw or qcow2", "1M", "-b", "base", "-F", "vmdk")]
    [InlineData("too large", "1P", "-c", "512")]
    public async Task What_cannot_be_made_is_told_in_one_line_and_no_file_is_left(string words, params string[] more)
    {
        Assert.Contains(words, (await AdminRun.OfAsync(["create", _directory["t.qcow2"], .. more])).FailedWithOneLine(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_directory.Path));
    }

    [Fact]
    public async Task A_file_that_is_there_is_left_as_it_is()
    {
        var path = _directory.File("t.qcow2", [1, 2, 3]);
        Assert.Contains("is there already", (await AdminRun.OfAsync("create", path, "1M")).FailedWithOneLine(), StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }
}
