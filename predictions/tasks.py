"""What Celery workers do. Tasks take no patient data: Postgres says what there is to do."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from accounts.row_scope import across_organisations
from predictions import (
    cohort_inputs,
    cohort_work,
    confirmation,
    erasure,
    idempotency,
    replay,
    retention,
    shadowing,
)


@shared_task(  # type: ignore[untyped-decorator]
    name="predictions.confirm_predictions",
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=2,
    ignore_result=True,
)
def confirm_predictions() -> int:
    """Give every waiting prediction its second reading, and then the shadow releases theirs."""
    with across_organisations():
        confirmed = confirmation.confirm_waiting()
        shadowing.read_in_shadow()
    return confirmed


@shared_task(name="predictions.replay_sample", ignore_result=True)  # type: ignore[untyped-decorator]
def replay_sample() -> int:
    """Replay 200 predictions drawn at random; how many differ."""
    with across_organisations():
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


@shared_task(  # type: ignore[untyped-decorator]
    name="predictions.read_cohorts",
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=2,
    ignore_result=True,
)
def read_cohorts() -> int:
    """Read files of many samples, unless another worker does."""
    return cohort_work.work()


@shared_task(name="predictions.forget_cohort_files", ignore_result=True)  # type: ignore[untyped-decorator]
def forget_cohort_files() -> int:
    """Delete stored files of cohorts that were kept long enough, and of uploads that were given up."""
    with across_organisations():
        return cohort_inputs.forget_expired() + cohort_inputs.discard_abandoned()


@shared_task(name="predictions.forget_answered_requests", ignore_result=True)  # type: ignore[untyped-decorator]
def forget_answered_requests() -> int:
    """Delete what was kept for requests that may be sent again, after a day."""
    return idempotency.forget_old()
