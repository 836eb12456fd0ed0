"""What Celery workers do for the audit trail."""

from celery import shared_task

from accounts import anchoring, sealer


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
