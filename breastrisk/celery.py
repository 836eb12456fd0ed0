"""The Celery application. Postgres holds what is to be done; Valkey only rings the bell."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "breastrisk.settings")
app = Celery("breastrisk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts", "predictions"])
app.conf.beat_schedule["hourly sweep"] = {
    "task": "accounts.sweep_events",
    "schedule": crontab(minute=17),
    "options": {"expires": 30 * 60},
}
app.conf.beat_schedule["nightly replay"] = {
    "task": "predictions.replay_sample",
    "schedule": crontab(hour=2, minute=30),
    "options": {"expires": 6 * 60 * 60},
}
app.conf.beat_schedule["erasures"] = {
    "task": "predictions.finish_erasures",
    "schedule": 60.0,
    "options": {"expires": 120},
}
# At most 500 cases of an organisation each time: whatever is due is gone by the morning.
app.conf.beat_schedule["retention"] = {
    "task": "predictions.erase_due",
    "schedule": crontab(hour=3, minute="*/5"),
    "options": {"expires": 240},
}


app.conf.beat_schedule["cohort files"] = {
    "task": "predictions.forget_cohort_files",
    "schedule": crontab(minute=47),
    "options": {"expires": 30 * 60},
}


@worker_ready.connect  # type: ignore[untyped-decorator]
def record_start(**_: Any) -> None:
    """Put on record what the worker was set up with, and what the audit trail is not protected against."""
    from accounts import protection  # noqa: PLC0415 - Django is set up by the time a worker is ready
    from breastrisk import start_record  # noqa: PLC0415 - likewise

    start_record.record_start("worker", weaknesses=protection.find_weaknesses())


@app.task(name="breastrisk.mark_worker", ignore_result=True)  # type: ignore[untyped-decorator]
def mark_worker() -> None:
    """Show the health check that a worker takes tasks."""
    from breastrisk import health  # noqa: PLC0415 - Django is set up by the time a task runs

    health.mark_worker()
