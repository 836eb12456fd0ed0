"""What Celery workers do. Tasks take no patient data: Postgres says what there is to do."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from predictions import confirmation


@shared_task(  # type: ignore[untyped-decorator]
    name="predictions.confirm_predictions",
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=2,
    ignore_result=True,
)
def confirm_predictions() -> int:
    """Give every waiting prediction its second reading."""
    return confirmation.confirm_waiting()
