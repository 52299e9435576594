using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Qcow2Target.Scsi.Operations;

namespace Qcow2Target.Actors.Targets;

/// <summary>A sanitize operation that has not ended, as the state file holds it. It belongs to the medium, wherever that is attached.</summary>
/// <param name="File">Which file the medium is.</param>
/// <param name="Exit">What ends its failure.</param>
/// <param name="OverwriteList">The parameter list of SANITIZE OVERWRITE; null: block erase.</param>
/// <param name="GivenUp">The file was detached meanwhile. It has been in other hands since, so nothing is overwritten by itself any more.</param>
public sealed record StoredSanitize(StoredFile File, [property: JsonConverter(typeof(StringEnumConverter))] FailureExit Exit, byte[]? OverwriteList = null, bool GivenUp = false)
{
    /// <summary>
    /// Goes on only where this surely is the file that was being sanitized: without a birth time a new file may have the number of one that was
    /// deleted.
    /// </summary>
    [JsonIgnore]
    public SanitizeResumption Resumption =>
        GivenUp || File.BirthTime == 0 ? SanitizeResumption.HasFailed : SanitizeResumption.GoesOn;

    [JsonIgnore]
    public SanitizeRecord Record => new(Exit, OverwriteList);

    public static StoredSanitize From(StoredFile file, SanitizeRecord record) => new(file, record.Exit, record.OverwriteList.IsEmpty ? null : record.OverwriteList.ToArray());
}
