"""`repeat_erasures`: delete the keys of erased cases that a restored backup brought back."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.row_scope import across_organisations
from predictions import erasure


class Command(BaseCommand):
    help = "After a restore: delete again every key whose erasure is on record, here or in a list."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "list",
            nargs="?",
            type=Path,
            help="what `list_erasures` printed before, as the backup may be older than an erasure",
        )

    @across_organisations()
    def handle(self, *_args: Any, **options: Any) -> None:
        again = [key_id for key_id in _listed(options["list"]) if erasure.decide_again(key_id)]
        erasure.finish_all()
        again += erasure.delete_again()
        for key_id in again:
            self.stdout.write(f"key {key_id}: deleted again")
        self.stdout.write(f"{len(again)} keys had come back.")


def _listed(file: Path | None) -> list[UUID]:
    try:
        return [UUID(line) for line in file.read_text("ascii").split()] if file else []
    except OSError as error:
        raise CommandError(str(error)) from None
    except ValueError:  # a UnicodeDecodeError is one too
        raise CommandError(
            "The list has to be what `list_erasures` printed: one identifier a line."
        ) from None
