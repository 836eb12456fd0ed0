"""What the audit trail's actions are called on its pages. A test sees to it that none is missing."""

MADE, REFUSED = "prediction.made", "prediction.refused"
REPORT_MADE = "report.made"

# By what they are about, in the order in which a select shows them.
GROUPS = {
    "Predictions": {
        MADE: "Prediction made",
        REFUSED: "Panel refused",
        "prediction.disclosed": "Result shown",
        "prediction.compared": "Result shown beside another release's",
        "prediction.reviewed": "Result reviewed",
        "prediction.shown_to_patient": "Patient page shown",
        "predictions.listed": "List of predictions shown",
        "prediction.replay_differed": "Replay differed",
        REPORT_MADE: "Report made",
        "report.disclosed": "Report handed out",
        "receipt.issued": "Receipt issued",
    },
    "Cases": {
        "case.found": "Case looked up",
        "case.exported": "Case exported",
        "case.erasure_requested": "Erasure asked for",
        "case.erasure_approved": "Erasure approved",
        "case.erasure_declined": "Erasure declined",
        "case.erasure_withdrawn": "Erasure withdrawn",
        "case.erasure_due": "Erasure due by a rule",
        "case.erasure_repeated": "Erasure repeated",
        "case.erased": "Case erased",
        "case_keys.rewrapped": "Keys of cases given a new key",
        "retention.proposed": "Retention rule proposed",
        "retention.approved": "Retention rule approved",
    },
    "Releases": {
        "release.registered": "Release registered",
        "release.proposed": "Release proposed",
        "release.activated": "Release made live",
        "release.rolled_back": "Release rolled back to",
        "release.made_callable": "Release made callable",
        "release.shadowed": "Release put in the shadow",
        "release.retired": "Release retired",
        "release.quarantined": "Release quarantined",
        "release.rewrapped": "Release given a new key",
    },
    "People and keys": {
        "person.signed_in": "Signed in",
        "person.signed_out": "Signed out",
        "person.password_changed": "Password changed",
        "person.password_reset": "Password reset",
        "sign_in.failed": "Sign-in failed",
        "sign_in.locked_out": "Locked out",
        "person.added": "Person added",
        "person.changed": "Person changed",
        "organisation.added": "Organisation added",
        "organisation.changed": "Organisation changed",
        "role.granted": "Role granted",
        "role.changed": "Role changed",
        "role.withdrawn": "Role withdrawn",
        "api_key.issued": "API key issued",
        "api_key.first_used": "API key first used",
        "api_key.revoked": "API key revoked",
        "request.refused": "Request refused",
    },
    "Audit trail": {
        "audit.listed": "Audit trail listed",
        "audit.read": "Audit event read",
        "audit.exported": "Audit trail exported",
        "audit.charted": "Audit charts shown",
        "audit.verification_asked": "Verification asked for",
        "audit.verification_read": "Verification read",
        "audit.verified": "Audit trail verified",
        "ledger.exported": "Sealed trail exported",
        "checkpoint.anchored": "Checkpoint anchored",
        "anchor.refused": "Anchor refused a checkpoint",
        "sealing.stopped": "Sealing stopped",
        "process.started": "Process started",
    },
}
WORDS = {action: words for group in GROUPS.values() for action, words in group.items()}
RELEASE_ACTIONS = tuple(GROUPS["Releases"])


def words_of(action: str) -> str:
    """An action in words; one that nobody foresaw by its own name."""
    return WORDS.get(action, action)
