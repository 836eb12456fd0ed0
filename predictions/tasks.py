"""What Celery workers do. Tasks take no patient data: Postgres says what there is to do."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from predictions import confirmation, erasure, replay, retention, shadowing


@shared_task(  # type: ignore[untyped-decorator]
    name="predictions.confirm_predictions",
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=2,
    ignore_result=True,
)
def confirm_predictions() -> int:
    """Give every waiting prediction its second reading, and then the shadow releases theirs."""
    confirmed = confirmation.confirm_waiting()
    shadowing.read_in_shadow()
    return confirmed


@shared_task(name="predictions.replay_sample", ignore_result=True)  # type: ignore[untyped-decorator]
def replay_sample() -> int:
    """Replay 200 predictions drawn at random; how many differ."""
    sample = replay.random_sample(replay.SAMPLE)
    return sum(bool(differences) for _, differences in replay.replay_each(sample))


@shared_task(name="predictions.finish_erasures", ignore_result=True)  # type: ignore[untyped-decorator]
def finish_erasures() -> int:
    """Delete the keys of cases whose erasure is decided and was interrupted."""
    return erasure.finish_all()


@shared_task(name="predictions.erase_due", ignore_result=True)  # type: ignore[untyped-decorator]
def erase_due() -> int:
    """Erase what was kept as long as the rules say."""
    return retention.erase_due()
