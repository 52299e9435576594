namespace Qcow2Target.Actors;

/// <summary>The limits of the actors' room. What goes over one is refused with its name in the error.</summary>
public static class ActorLimits
{
    /// <summary>Targets in the daemon.</summary>
    public const int Targets = 4096;

    /// <summary>LUNs of one target. Ids that are not asked for come from 0 to 255, so that each has the one-byte form too.</summary>
    public const int LunsOfTarget = 256;

    /// <summary>Sessions of one target.</summary>
    public const int SessionsOfTarget = 256;

    /// <summary>Sessions of the daemon: each has a thread.</summary>
    public const int Sessions = 2048;

    /// <summary>Media in the state file whose sanitizing was given up: beyond it the oldest is forgotten. The files of most are long gone.</summary>
    public const int AbandonedSanitizes = 256;

    /// <summary>Logical block size, bytes.</summary>
    public const int BlockBytes = 512;

    /// <summary>How long an initiator that was asked to log out has for it.</summary>
    public static readonly TimeSpan LogoutPatience = TimeSpan.FromSeconds(2);

    /// <summary>How long opening an image looks through its metadata before it is served; what is left goes on beside, and changes wait for it.</summary>
    public static readonly TimeSpan ScanBeforeServing = TimeSpan.FromMilliseconds(250);

    /// <summary>How long task management waits for a write that the kernel already has.</summary>
    public static readonly TimeSpan AbortPatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a command waits for its turn behind or as an ORDERED one before it is answered TASK SET FULL. Data of commands that wait takes
    /// up memory that those before them may need.
    /// </summary>
    public static readonly TimeSpan OrderPatience = TimeSpan.FromSeconds(5);
}
