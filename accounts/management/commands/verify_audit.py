"""`python manage.py verify_audit`: is the audit trail whole?"""

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from accounts import protection, verification
from accounts.anchoring import open_anchors
from accounts.anchors import WrongAnchor


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("write a day or a time as 2026-11-24 or 2026-11-24T08:30") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Names each finding; ends with status 1 when there is one."""

    help = "Verify events, tree, checkpoints and predictions, with --anchors also what is kept outside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=_time, help="trust the last checkpoint before this time (UTC) and begin there"
        )
        parser.add_argument("--anchors", action="store_true", help="compare with all of LEDGER_ANCHORS")

    def handle(self, *_args: Any, **options: Any) -> None:
        """One line for each finding, then the sum of it, then what is not protected."""
        try:
            anchors = open_anchors() if options["anchors"] else []
        except WrongAnchor as wrong:
            raise CommandError(str(wrong)) from None
        count = 0
        with tqdm(unit=" events") as bar:
            for finding in verification.verify(_shown_by(bar), since=options["since"], anchors=anchors):
                count += 1
                self.stdout.write(f"{finding.kind}: {finding.where}: {finding.detail}")
            done = bar.n
        self.stdout.write(f"{done} sealed events verified, {count} findings.")
        for weakness in protection.find_weaknesses():
            self.stdout.write(f"Not protected: {weakness}")
        if count:
            sys.exit(1)


def _shown_by(bar: Any) -> verification.Report:
    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show
