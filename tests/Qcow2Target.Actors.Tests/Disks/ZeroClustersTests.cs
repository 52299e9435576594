using Qcow2Target.Actors.Disks;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Actors.Tests.Disks;

public sealed class ZeroClustersTests(ITestOutputHelper output)
{
    private const int Cluster = 4096;
    private const int Disk = (20 * Cluster) - 512;

    [Fact]
    public void Only_whole_clusters_count_and_the_last_of_the_disk_is_whole()
    {
        var zeroes = new ZeroClusters(Cluster, Disk);
        Assert.False(zeroes.IsAnyIn(512, new byte[Cluster]));
        Assert.False(zeroes.IsAnyIn(0, new byte[Cluster - 512]));
        Assert.True(zeroes.IsAnyIn(512, new byte[(2 * Cluster) - 512]));
        Assert.True(zeroes.IsAnyIn(19 * Cluster, new byte[Cluster - 512]));
        Assert.False(zeroes.IsAnyIn((19 * Cluster) + 512, new byte[Cluster - 1024]));
        var almost = new byte[Cluster];
        almost[^1] = 1;
        Assert.False(zeroes.IsAnyIn(0, almost));
        Assert.False(zeroes.IsAnyIn(0, []));
    }

    [Fact]
    public void The_pieces_of_a_write_are_the_write_and_zeros_are_whole_clusters_of_zeros()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 2000; round++)
        {
            var zeroes = new ZeroClusters(Cluster, Disk);
            var offset = random.Next(Disk / 512) * 512;
            var source = new byte[Math.Min(Disk - offset, random.Next(1, 40) * 512)];
            for (var marks = random.Next(4); marks > 0; marks--) source[random.Next(source.Length)] = 1;
            var found = false;
            PieceContent? before = null;
            var at = 0;
            while (at < source.Length)
            {
                var length = zeroes.TakePiece(offset + at, source.AsSpan(at), out var content);
                Assert.InRange(length, 1, source.Length - at);
                Assert.NotEqual(before, content);
                before = content;
                if (content == PieceContent.Zeros)
                {
                    found = true;
                    Assert.Equal(0, (offset + at) % Cluster);
                    Assert.True((offset + at + length) % Cluster == 0 || offset + at + length == Disk);
                    Assert.Equal(-1, source.AsSpan(at, length).IndexOfAnyExcept((byte)0));
                }
                at += length;
            }
            Assert.Equal(found, zeroes.IsAnyIn(offset, source));
        }
    }
}
