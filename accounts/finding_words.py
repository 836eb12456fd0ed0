"""What the findings of a verification mean, and what to do about each; `docs/ledger-runbook.md` says how."""

_KEEP = "Keep the database as it is, and compare with the latest backup that verifies."
_FORGED = "Find out who knows LEDGER_KEY or had the database: stop what wrote it, and tell the auditors."
_RESEAL = f"{_KEEP} The events may be whole: look whether any of them is named here too."
_RESTORE = f"{_KEEP} Restore what is missing from it beside this database; put nothing back into the trail."

# kind: what it means, what to do
WORDS = {
    "event_forged": ("An event that this product did not write: its MAC is wrong.", _FORGED),
    "event_edited": ("The body of an event is not what was sealed.", _KEEP),
    "columns_edited": ("What an event is searched by does not agree with its body.", _KEEP),
    "event_deleted": ("A sealed event is no longer there.", _RESTORE),
    "event_backdated": ("The time of an event does not agree with its identifier or neighbours.", _KEEP),
    "event_repeated": ("The same body was written twice: somebody copied an event.", _FORGED),
    "event_unsealed": (
        "An event has waited too long to be sealed.",
        "See that the worker runs and its sealer may write; then verify again.",
    ),
    "leaf_missing": ("A leaf of the sealed tree is not there.", _RESEAL),
    "leaf_unsigned": ("The tree has leaves that no checkpoint signs.", _RESEAL),
    "subtree_edited": ("A stored hash inside of the tree is not what its leaves give.", _RESEAL),
    "checkpoint_edited": ("The columns of a checkpoint do not agree with its signed note.", _RESEAL),
    "checkpoint_missing": ("A checkpoint is missing in the chain.", _RESTORE),
    "checkpoint_forged": ("The signature of a checkpoint is not ours.", _FORGED),
    "root_wrong": ("The leaves do not give the root that a checkpoint signs.", _RESEAL),
    "anchor_differs": (
        "What an anchor keeps is another checkpoint than that of the database: one of them was changed.",
        "Take the anchor's for true until the contrary is shown. " + _KEEP,
    ),
    "anchor_foreign": (
        "An anchor keeps a note that is not signed by a key of ours.",
        "Find out who can write there, and whether LEDGER_PUBLIC_KEYS lacks a former key. " + _KEEP,
    ),
    "tail_truncated": (
        "An anchor knows of more events than the database has: its end was cut off.",
        _RESTORE,
    ),
    "anchor_away": (
        "An anchor could not be read, so a cut end would not show.",
        "See that the anchor can be reached, and verify again.",
    ),
    "prediction_without_event": ("A prediction names an event that is not there.", _RESTORE),
    "prediction_differs": ("A prediction is not what its event says of it.", _KEEP),
    "event_without_prediction": ("An event names a prediction that is not there.", _RESTORE),
}
_UNKNOWN = ("Something else is not as it should be.", _KEEP)


def words_of(kind: str) -> tuple[str, str]:
    """What a kind of finding means, and what to do."""
    return WORDS.get(kind, _UNKNOWN)
