using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class BackingImagesTests
{
    private readonly TestImages _images = new();

    [Fact]
    public void Overlays_share_their_base_and_the_last_one_closes_it()
    {
        _images.Create("base", new ImageCreateOptions { VirtualSize = 1 << 20 });
        Overlay("a", "base");
        Overlay("b", "base");
        var backings = new BackingImages(_images.Files, _images.Cache);
        using (Open("a", backings))
        {
            Assert.Equal((1, 2), (backings.Count, _images.Files.OpenCount));
            using (Open("b", backings)) Assert.Equal((1, 3), (backings.Count, _images.Files.OpenCount));
            Assert.Equal(1, backings.Count);
        }
        Assert.Equal((0, 0), (backings.Count, _images.Files.OpenCount));
    }

    [Fact]
    public void One_file_served_as_raw_and_as_qcow2_is_two_layers()
    {
        _images.Create("base", new ImageCreateOptions { VirtualSize = 1 << 20 });
        Overlay("a", "base");
        Overlay("b", "base", "raw");
        var backings = new BackingImages(_images.Files, _images.Cache);
        using var a = Open("a", backings);
        using var b = Open("b", backings);
        Assert.Equal(2, backings.Count);
        var start = new byte[4];
        b.Read(0, start);
        Assert.Equal("QFI\xfb"u8.ToArray()[..3], start[..3]);
        a.Read(0, start);
        Assert.Equal(new byte[4], start);
    }

    [Fact]
    public void Sixty_four_layers_open_and_one_more_is_refused_shared_or_not()
    {
        _images.Create("0", new ImageCreateOptions { VirtualSize = 1 << 20 });
        for (var i = 1; i <= 64; i++) Overlay($"{i}", $"{i - 1}");
        var backings = new BackingImages(_images.Files, _images.Cache);
        using (var image = Open("63", backings))
        {
            Assert.Equal(63, image.Info.Chain.Count);
            image.Read(0, new byte[4096]);
            Assert.Equal(Qcow2FormatError.LimitExceeded, Assert.Throws<Qcow2FormatException>(() => Open("64", backings)).Error);
            Assert.Equal(64, _images.Files.OpenCount);
        }
        Assert.Equal(Qcow2FormatError.LimitExceeded, Assert.Throws<Qcow2FormatException>(() => Open("64", backings)).Error);
        Assert.Equal((0, 0), (backings.Count, _images.Files.OpenCount));
    }

    [Fact]
    public void A_loop_is_refused_at_once_and_leaves_nothing_open()
    {
        Overlay("a", "b");
        Overlay("b", "c");
        Overlay("c", "b");
        var backings = new BackingImages(_images.Files, _images.Cache);
        Assert.Equal(Qcow2FormatError.BackingLoop, Assert.Throws<Qcow2FormatException>(() => Open("a", backings)).Error);
        Assert.Equal(Qcow2FormatError.BackingLoop, Assert.Throws<Qcow2FormatException>(() => Open("b", backings)).Error);
        Assert.Equal((0, 0), (backings.Count, _images.Files.OpenCount));
        Assert.Equal(0, _images.Cache.UsedBytes);
    }

    [Fact]
    public async Task Opened_and_closed_from_many_threads_nothing_is_left_open()
    {
        _images.Create("base", new ImageCreateOptions { VirtualSize = 1 << 20 });
        Overlay("middle", "base");
        for (var i = 0; i < 4; i++) Overlay($"o{i}", "middle");
        var backings = new BackingImages(_images.Files, _images.Cache);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() =>
        {
            for (var round = 0; round < 100; round++)
            {
                using var image = Open($"o{i}", backings);
                image.Read(0, new byte[512]);
            }
        })));
        Assert.Equal((0, 0), (backings.Count, _images.Files.OpenCount));
    }

    private MemoryBlockFile Overlay(string name, string below, string format = "qcow2") =>
        _images.Create(name, new ImageCreateOptions { VirtualSize = 1 << 20, BackingName = below, BackingFormat = format });

    private Qcow2Image Open(string name, BackingImages backings) =>
        Qcow2Image.Open(new ImageOpenOptions { Path = name, Access = ImageAccess.ReadOnly, Files = _images.Files, Backings = backings, Cache = _images.Cache });
}
