"""What the findings of a verification mean, and what to do about each, as `docs/ledger-runbook.md` has it."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_LEAVES = (
    _("Leaves of the sealed tree were removed or renumbered, or stand behind the last checkpoint."),
    _("Compare with a backup; the original of an event is the one whose leaf the backup's tree has."),
)
_ONE_OF_TWO = _("Erasure leaves both: somebody had the rights of the database's superuser.")

# kind: what it means, what to do
WORDS = {
    "event_edited": (
        _("The body, time or MAC of an event is not what was sealed."),
        _("Compare with a backup; the original is the one whose leaf is in the tree."),
    ),
    "event_forged": (
        _("An event that the product did not write, or whose body was changed together with its leaf."),
        _("Somebody had the rights of the owner or superuser. As evidence it is worth nothing."),
    ),
    "columns_edited": (
        _("What an event is searched by does not agree with its body. The body is right."),
        _("It was done to hide the event from searches: look at what is missing from whose list."),
    ),
    "event_deleted": (
        _("A sealed event is no longer there; its leaf is."),
        _("Take the event from a backup into a note; it cannot be put back with its time."),
    ),
    "event_repeated": (
        _("A body and its MAC were put in again."),
        _("The first is genuine; the others show that somebody had the right to insert."),
    ),
    "event_backdated": (
        _("An event says another time than its place in the tree allows."),
        _("Somebody had LEDGER_KEY: change it only together with a new trail."),
    ),
    "event_unsealed": (
        _("An event has waited for more than ten minutes to be sealed."),
        _("See that a worker runs, with the sealer's role and the signing key; then verify again."),
    ),
    "leaf_missing": _LEAVES,
    "leaf_unsigned": _LEAVES,
    "subtree_edited": (
        _("A stored node of the tree is not what its leaves give."),
        _("Proofs would fail; the leaves are right."),
    ),
    "root_wrong": (
        _("The leaves before a checkpoint are not those that it signed."),
        _("The first checkpoint that is named bounds the time: it happened after that was anchored."),
    ),
    "checkpoint_edited": (
        _("Columns of a checkpoint were changed, and not its note."),
        _("The note is right."),
    ),
    "checkpoint_forged": (
        _("No known key signed the note of a checkpoint."),
        _("See whether LEDGER_PUBLIC_KEYS lacks a former key; otherwise the note was replaced."),
    ),
    "checkpoint_missing": (
        _("The chain of checkpoints has a hole."),
        _("The missing note may be at an anchor."),
    ),
    "tail_truncated": (
        _("An anchor remembers more events than the database has."),
        _("An older backup was restored, or somebody removed the end."),
    ),
    "anchor_differs": (
        _("An anchor remembers another tree."),
        _("Somebody with the signing key wrote the trail anew. The anchor is right."),
    ),
    "anchor_foreign": (
        _("A note at an anchor is none of ours."),
        _("Somebody can write there: see to the rights of that place."),
    ),
    "anchor_emptied": (
        _("An anchor keeps fewer notes than were left there: somebody removed some."),
        _("Find out who can remove notes there, and set it up so that nobody can."),
    ),
    "anchor_away": (
        _("An anchor does not answer, so that a removed end would not show."),
        _("Ask whoever runs it, and verify again."),
    ),
    "prediction_without_event": (_("The event of a prediction was removed."), _ONE_OF_TWO),
    "event_without_prediction": (_("The prediction of an event was removed."), _ONE_OF_TWO),
    "prediction_differs": (
        _("A prediction is not the one of its event."),
        _("Take it from a backup; the event has the digests."),
    ),
    "review_without_event": ("The event of a review was removed.", _ONE_OF_TWO),
    "event_without_review": ("The review of an event was removed.", _ONE_OF_TWO),
    "review_differs": (
        "A review is not the one of its event.",
        "The event is right: it says who decided what. The text is in a backup.",
    ),
    "report_without_event": ("The event of a report was removed.", _ONE_OF_TWO),
    "event_without_report": ("The record of a report was removed.", _ONE_OF_TWO),
    "report_differs": (
        "What is kept of a report is not what its event says.",
        "The event is right: it has the digest of the file.",
    ),
    "cohort_without_event": (_("The event of a cohort was removed."), _ONE_OF_TWO),
    "event_without_cohort": (_("The record of a cohort was removed."), _ONE_OF_TWO),
    "cohort_differs": (
        _("What is kept of a cohort is not what its event says."),
        _("The event is right: it says who sent the file, and has its digest."),
    ),
    "profile_without_event": ("The event of a platform profile was removed.", _ONE_OF_TWO),
    "event_without_profile": ("The platform profile of an event was removed.", _ONE_OF_TWO),
    "profile_differs": (
        "A platform profile is not the one of its event.",
        "The event is right: it has the digest of the profile. Learn it anew from the reference samples.",
    ),
}
_UNKNOWN = (_("Something is not as it should be."), _("Change nothing before somebody has understood it."))


def words_of(kind: str) -> tuple[str, str]:
    """What a kind of finding means, and what to do."""
    meaning, advice = WORDS.get(kind, _UNKNOWN)
    return gettext(meaning), gettext(advice)
