"""What a process was set up with when it started, for the audit trail. No secret is among it."""

import logging
import platform
from typing import Any

from django.conf import settings
from django.db import Error, connection

from accounts import events, ledger

logger = logging.getLogger(__name__)


def record_start(process: str, **facts: Any) -> None:
    """Put on record that a web server or a worker starts. It starts as well where the database is away."""
    try:
        ledger.record(
            events.STARTED,
            process=process,
            version=settings.APPLICATION_VERSION,
            python=platform.python_version(),
            production=settings.PRODUCTION,
            allowed_hosts=settings.ALLOWED_HOSTS,
            trusted_proxies=settings.TRUSTED_PROXIES,
            model_store=settings.MODEL_STORE,
            ledger_anchors=settings.LEDGER_ANCHORS,
            ledger_public_keys=settings.LEDGER_PUBLIC_KEYS,
            case_key_ids=list(settings.CASE_KEYS),
            **facts,
        )
        connection.close()
    except Error as error:
        logger.warning("The start is not on record: %s", type(error).__name__)
