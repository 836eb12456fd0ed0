"""What Celery workers do for the audit trail."""

from celery import shared_task
from django.utils import timezone

from accounts import anchoring, keys, sealer, tallies, tokens, verification_runs


@shared_task(name="accounts.seal_events", ignore_result=True)  # type: ignore[untyped-decorator]
def seal_events() -> int:
    """Seal what was recorded since a little before the last time; how many events."""
    return sealer.seal_waiting()


@shared_task(name="accounts.sweep_events", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep_events() -> int:
    """Seal what was overlooked because it became visible very late; how many events."""
    return sealer.seal_waiting(everything=True)


@shared_task(name="accounts.anchor_checkpoint", ignore_result=True)  # type: ignore[untyped-decorator]
def anchor_checkpoint() -> int:
    """Keep the latest checkpoint outside the database; in how many places."""
    return anchoring.anchor_latest()


@shared_task(name="accounts.count_events", ignore_result=True)  # type: ignore[untyped-decorator]
def count_events() -> int:
    """Count the events of the latest days for the auditors' charts; of how many days."""
    return tallies.count_days(timezone.now().date())


@shared_task(name="accounts.note_last_uses", ignore_result=True)  # type: ignore[untyped-decorator]
def note_last_uses() -> int:
    """Keep when API keys were used last; of how many."""
    return keys.note_last_uses()


@shared_task(name="accounts.forget_tokens", ignore_result=True)  # type: ignore[untyped-decorator]
def forget_tokens() -> None:
    """Delete access tokens that have ended."""
    tokens.forget_expired()


# Acknowledged at once: it may take longer than the broker waits, and the row says what is still to be done.
@shared_task(  # type: ignore[untyped-decorator]
    name="accounts.verify_audit", acks_late=False, time_limit=6 * 60 * 60, ignore_result=True
)
def verify_audit() -> bool:
    """Verify the audit trail, if somebody has asked for it; whether somebody had."""
    return verification_runs.run_next()
