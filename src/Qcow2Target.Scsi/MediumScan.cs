using System.Buffers;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>Reading the medium for the sake of checking it, in bounded pieces.</summary>
internal static class MediumScan
{
    /// <summary>Reads the range and forgets it.</summary>
    /// <exception cref="BlockDeviceException">Some of it cannot be read.</exception>
    public static async ValueTask ReadAsync(LogicalUnit unit, long offset, long length, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScsiLimits.PieceBytes);
        try
        {
            for (long done = 0; done < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int piece = (int)Math.Min(ScsiLimits.PieceBytes, length - done);
                await unit.Device.ReadAsync(offset + done, buffer.AsMemory(0, piece)).ConfigureAwait(false);
                done += piece;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Compares <paramref name="length"/> bytes of the disk from <paramref name="offset"/> on with <paramref name="expected"/>, which is
    /// repeated as often as it takes. Offsets and lengths need not be whole blocks: transports cut data-out where they like.
    /// </summary>
    /// <returns>Distance of the first unequal byte from <paramref name="offset"/>, or null when all are equal.</returns>
    /// <exception cref="BlockDeviceException">Some of it cannot be read.</exception>
    public static async ValueTask<long?> FirstDifferenceAsync(
        LogicalUnit unit, long offset, long length, ReadOnlyMemory<byte> expected, CancellationToken cancellationToken)
    {
        int blockBytes = unit.Device.Shape.BlockBytes;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScsiLimits.PieceBytes);
        try
        {
            for (long done = 0; done < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long from = offset + done;
                int lead = (int)(from % blockBytes);
                int piece = (int)Math.Min(ScsiLimits.PieceBytes - lead, length - done);
                int whole = (lead + piece + blockBytes - 1) / blockBytes * blockBytes;
                await unit.Device.ReadAsync(from - lead, buffer.AsMemory(0, whole)).ConfigureAwait(false);

                int equal = EqualBytes(buffer.AsSpan(lead, piece), expected.Span, done);
                if (equal < piece)
                    return done + equal;
                done += piece;
            }

            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>As <see cref="FirstDifferenceAsync"/>, as the outcome of a command whose data-out began <paramref name="position"/> bytes before.</summary>
    public static async ValueTask<ScsiOutcome> CompareAsync(
        LogicalUnit unit, long offset, long length, ReadOnlyMemory<byte> expected, long position, CancellationToken cancellationToken)
    {
        long? difference = await FirstDifferenceAsync(unit, offset, length, expected, cancellationToken).ConfigureAwait(false);
        return difference is { } at ? unit.Check(SenseData.Miscompare(position + at)) : ScsiOutcome.Good;
    }

    private static int EqualBytes(ReadOnlySpan<byte> medium, ReadOnlySpan<byte> expected, long phase)
    {
        int equal = 0;
        while (equal < medium.Length)
        {
            ReadOnlySpan<byte> rest = expected[(int)((phase + equal) % expected.Length)..];
            int run = Math.Min(rest.Length, medium.Length - equal);
            int common = medium.Slice(equal, run).CommonPrefixLength(rest);
            equal += common;
            if (common < run)
                break;
        }

        return equal;
    }
}
