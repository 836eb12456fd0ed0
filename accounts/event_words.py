"""What the audit trail's actions are called on its pages. A test sees to it that none is missing."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

MADE, REFUSED = "prediction.made", "prediction.refused"
REPORT_MADE = "report.made"

# By what they are about, in the order in which a select shows them.
GROUPS = {
    _("Predictions"): {
        MADE: _("Prediction made"),
        REFUSED: _("Panel refused"),
        "prediction.disclosed": _("Result shown"),
        "prediction.compared": _("Result shown beside another release's"),
        "prediction.reviewed": _("Result reviewed"),
        "prediction.shown_to_patient": _("Patient page shown"),
        "predictions.listed": _("List of predictions shown"),
        "prediction.replay_differed": _("Replay differed"),
        REPORT_MADE: _("Report made"),
        "report.disclosed": _("Report handed out"),
        "receipt.issued": _("Receipt issued"),
    },
    _("Cohorts"): {
        "cohort.started": _("Cohort received"),
        "cohort.read": _("Part of a cohort read"),
        "cohort.ended": _("Cohort ended"),
        "cohort.cancelled": _("Cohort cancelled"),
        "cohort.disclosed": _("Cohort handed out"),
        "cohort.input_deleted": _("File of a cohort deleted"),
        "cohort.keys_rewrapped": _("Keys of stored files given a new key"),
    },
    _("Cases"): {
        "case.found": _("Case looked up"),
        "case.exported": _("Case exported"),
        "case.erasure_requested": _("Erasure asked for"),
        "case.erasure_approved": _("Erasure approved"),
        "case.erasure_declined": _("Erasure declined"),
        "case.erasure_withdrawn": _("Erasure withdrawn"),
        "case.erasure_due": _("Erasure due by a rule"),
        "case.erasure_repeated": _("Erasure repeated"),
        "case.erased": _("Case erased"),
        "case_keys.rewrapped": _("Keys of cases given a new key"),
        "retention.proposed": _("Retention rule proposed"),
        "retention.approved": _("Retention rule approved"),
    },
    _("Releases"): {
        "release.registered": _("Release registered"),
        "release.proposed": _("Release proposed"),
        "release.activated": _("Release made live"),
        "release.rolled_back": _("Release rolled back to"),
        "release.made_callable": _("Release made callable"),
        "release.shadowed": _("Release put in the shadow"),
        "release.retired": _("Release retired"),
        "release.quarantined": _("Release quarantined"),
        "release.rewrapped": _("Release given a new key"),
    },
    _("Platform profiles"): {
        "profile.learned": _("Platform profile learned"),
        "profile.refused": _("Reference samples refused"),
    },
    _("People and keys"): {
        "person.signed_in": _("Signed in"),
        "person.signed_out": _("Signed out"),
        "person.password_changed": _("Password changed"),
        "person.password_reset": _("Password reset"),
        "second_factor.added": _("Second factor set up"),
        "second_factor.removed": _("Second factor removed"),
        "second_factor.failed": _("Second factor wrong"),
        "second_factors.rewrapped": _("Secrets of second factors given a new key"),
        "recovery_codes.made": _("Recovery codes made"),
        "sessions.ended": _("Signed out elsewhere"),
        "person.invited": _("Person invited"),
        "invitation.accepted": _("Invitation accepted"),
        "invitation.withdrawn": _("Invitation withdrawn"),
        "sign_in.failed": _("Sign-in failed"),
        "sign_in.refused": _("Sign-in with the identity provider refused"),
        "sign_in.locked_out": _("Locked out"),
        "provider.linked": _("Identity of the provider linked"),
        "provider.unlinked": _("Identity of the provider unlinked"),
        "person.added": _("Person added"),
        "person.changed": _("Person changed"),
        "organisation.added": _("Organisation added"),
        "organisation.changed": _("Organisation changed"),
        "role.granted": _("Role granted"),
        "role.changed": _("Role changed"),
        "role.withdrawn": _("Role withdrawn"),
        "api_key.issued": _("API key issued"),
        "api_key.first_used": _("API key first used"),
        "api_key.rotated": _("API key replaced"),
        "api_key.revoked": _("API key revoked"),
        "api_key.guessed": _("Too many wrong API keys"),
        "oauth_client.issued": _("OAuth client made"),
        "oauth_token.issued": _("Access token handed out"),
        "networks.changed": _("Allowed networks changed"),
        "network.refused": _("Network refused"),
        "limit.changed": _("Rate limit changed"),
        "request.refused": _("Request refused"),
    },
    _("Audit trail"): {
        "audit.listed": _("Audit trail listed"),
        "audit.read": _("Audit event read"),
        "audit.exported": _("Audit trail exported"),
        "audit.charted": _("Audit charts shown"),
        "audit.verification_asked": _("Verification asked for"),
        "audit.verification_read": _("Verification read"),
        "audit.verified": _("Audit trail verified"),
        "ledger.exported": _("Sealed trail exported"),
        "checkpoint.anchored": _("Checkpoint anchored"),
        "anchor.refused": _("Anchor refused a checkpoint"),
        "sealing.stopped": _("Sealing stopped"),
        "process.started": _("Process started"),
    },
}
DOORS = {"form": _("form"), "api": _("API"), "command": _("command"), "system": _("system")}
WORDS = {action: words for group in GROUPS.values() for action, words in group.items()}
RELEASE_ACTIONS = tuple(GROUPS["Releases"])


def words_of(action: str) -> str:
    """An action in words; one that nobody foresaw by its own name."""
    return gettext(WORDS[action]) if action in WORDS else action


def words_of_door(door: str) -> str:
    """Where somebody came in, in words."""
    return gettext(DOORS[door]) if door in DOORS else door


def action_choices() -> list[tuple[str, Any]]:
    """Every action in words, for a select: in groups, after all of them."""
    groups = (
        (gettext(name), [(action, gettext(words)) for action, words in of.items()])
        for name, of in GROUPS.items()
    )
    return [("", gettext("All")), *groups]
