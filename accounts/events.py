"""The names of what the audit trail records of people, keys and the trail itself."""

SIGNED_IN = "person.signed_in"
SIGNED_OUT = "person.signed_out"
PASSWORD_CHANGED = "person.password_changed"  # noqa: S105 - the name of an event
PASSWORD_RESET = "person.password_reset"  # noqa: S105 - likewise
SIGN_IN_FAILED = "sign_in.failed"
SIGN_IN_LOCKED_OUT = "sign_in.locked_out"
KEY_ISSUED = "api_key.issued"
REQUEST_REFUSED = "request.refused"
AUDIT_LISTED = "audit.listed"
AUDIT_READ = "audit.read"
SEALING_STOPPED = "sealing.stopped"
CHECKPOINT_ANCHORED = "checkpoint.anchored"
ANCHOR_REFUSED = "anchor.refused"
LEDGER_EXPORTED = "ledger.exported"
STARTED = "settings.at_start"
CASE_KEYS_REWRAPPED = "case_keys.rewrapped"
