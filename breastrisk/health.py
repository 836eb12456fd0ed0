"""Is it alive, can it answer, and how is each thing it depends on?"""

import logging
from collections.abc import Callable
from functools import wraps

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from predictions import releases
from predictions.exceptions import ReleaseUnavailable
from predictions.problem_details import problem_response

# The worker renews its mark every five seconds.
WORKER_MARK = "breastrisk:worker"
WORKER_MARK_SECONDS = 20
PATIENCE_SECONDS = 1

logger = logging.getLogger(__name__)


def only_read(view: Callable[[HttpRequest], JsonResponse]) -> Callable[[HttpRequest], JsonResponse]:
    """GET and HEAD; any other method is refused in the words of the API, and needs no token for that."""

    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        return problem_response("method-not-allowed", "Only read it.", headers={"Allow": "GET, HEAD"})

    return csrf_exempt(never_cache(answer))


@only_read
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers: a reason not to restart it."""
    return JsonResponse({"live": True})


@only_read
def ready(_request: HttpRequest) -> JsonResponse:
    """Predictions can be made: a reason to send requests here.

    Without queue or worker they are still made, and wait for their second reading.
    """
    states = {name: _state(check) for name, check in _CHECKS.items()}
    is_ready = states["database"] == states["model"] == "up"
    degraded = is_ready and "down" in states.values()
    body = {"live": True, "ready": is_ready, "degraded": degraded, "dependencies": states}
    return JsonResponse(
        body, status=200 if is_ready else 503, headers={} if is_ready else {"Retry-After": "5"}
    )


def mark_worker() -> None:
    """Leave the mark by which the worker is known to be alive."""
    _valkey().set(WORKER_MARK, 1, ex=WORKER_MARK_SECONDS)


def _state(check: Callable[[], bool]) -> str:
    try:
        return "up" if check() else "down"
    except (Error, redis.RedisError, ReleaseUnavailable, OSError) as error:
        logger.warning("A dependency is down: %s", type(error).__name__)
        return "down"


def _check_database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _check_model() -> bool:
    releases.portable_form(releases.find_release())
    return True


def _check_queue() -> bool:
    return bool(_valkey().ping())


def _check_worker() -> bool:
    return bool(_valkey().exists(WORKER_MARK))


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )


_CHECKS = {"database": _check_database, "model": _check_model, "queue": _check_queue, "worker": _check_worker}
