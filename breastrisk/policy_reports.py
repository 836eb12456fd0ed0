"""What browsers report of pages that broke the content security policy: a line in the log, and no more.

A report is written by whoever likes to: it is short, counted, and nothing of it is believed or kept but the
directive and the page's path without what may name a case.
"""

import json
import logging
import re
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

LONGEST = 16_384
MOST_A_MINUTE = 20
_PLAIN = re.compile(r"[a-z-]{1,40}")

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def take_report(request: HttpRequest) -> HttpResponse:
    """For browsers: a report by `report-uri` or of the Reporting API."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= LONGEST and _counts():
        for directive in _directives(request.body):
            logger.warning("A page broke the content security policy: %s", directive)
    return HttpResponse(status=204)


def _counts() -> bool:
    cache.add("policy-reports", 0, 60)
    count = int(cache.get("policy-reports", 0))
    cache.set("policy-reports", count + 1, 60)
    return count < MOST_A_MINUTE


def _directives(body: bytes) -> list[str]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    reports = said if isinstance(said, list) else [said]
    found = [_directive(report) for report in reports[:5]]
    return [directive for directive in found if _PLAIN.fullmatch(directive)]


def _directive(report: Any) -> str:
    """The directive of either form; empty for what is neither."""
    if not isinstance(report, dict):
        return ""
    body = report.get("csp-report") or report.get("body")
    if not isinstance(body, dict):
        return ""
    names = ("effectiveDirective", "effective-directive", "violated-directive")
    return next((str(body[name]) for name in names if name in body), "")
