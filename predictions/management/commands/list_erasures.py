"""`list_erasures`: the key of every erased case, to be kept beside the backups and away from them."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.row_scope import across_organisations
from predictions.erasure_records import ErasureDecision


class Command(BaseCommand):
    help = (
        "Print the identifier of every deleted key, one a line: what `repeat_erasures` reads after a restore."
    )

    @across_organisations()
    def handle(self, *_args: Any, **_options: Any) -> None:
        for key_id in ErasureDecision.objects.erasing().order_by("id").values_list("case_key_id", flat=True):
            self.stdout.write(str(key_id))
