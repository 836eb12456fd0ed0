"""What is wrong with the settings of the audit trail, told before anything starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from accounts.anchoring import open_anchors
from accounts.anchors import WrongAnchor


@register
def check_anchors(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Every anchor that LEDGER_ANCHORS names can be understood; none is asked anything yet."""
    try:
        open_anchors()
    except WrongAnchor as wrong:
        hint = f"{wrong} docs/anchors.md tells how to set each kind up."
        return [Error("LEDGER_ANCHORS cannot be read.", hint=hint, id="accounts.E001")]
    return []
