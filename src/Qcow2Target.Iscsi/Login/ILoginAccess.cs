using Qcow2Target.Iscsi.Chap;

namespace Qcow2Target.Iscsi.Login;

/// <summary>Tells a login what it has to prove. Asked once, when the names are known; must not wait.</summary>
public interface ILoginAccess
{
    /// <param name="initiatorName">As the initiator gave it.</param>
    /// <param name="sessionType">Whether it asks for a target or for the list.</param>
    /// <param name="targetName">Empty for discovery.</param>
    /// <returns>The CHAP that applies; null: none is configured, and one that insists on it is refused.</returns>
    ChapRequirement? FindChap(string initiatorName, SessionType sessionType, string targetName);
}
