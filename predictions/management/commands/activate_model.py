"""`activate_model`: one person proposes that a release go live, another approves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions import comparison, lifecycle
from predictions.exceptions import ReleaseUnavailable, StepRefused
from predictions.kept_reports import open_report
from predictions.management.naming import count, named_release, named_steward
from predictions.models import Release
from predictions.presentation import report_text


class Command(BaseCommand):
    help = "Propose that a release go live, or approve what another person proposed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("release_version", metavar="VERSION")
        parser.add_argument("--proposed-by", metavar="EMAIL", help="an administrator")
        parser.add_argument("--approved-by", metavar="EMAIL", help="another administrator, or an auditor")
        parser.add_argument(
            "--inputs", type=count, default=comparison.INPUTS, help="how many to compare: %(default)s"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        release = named_release(options["name"], options["release_version"])
        proposer, approver = options["proposed_by"], options["approved_by"]
        if not (proposer or approver):
            raise CommandError(
                "Name who proposes with --proposed-by, and then who approves with --approved-by."
            )
        try:
            if proposer:
                self._propose(release, proposer, options["inputs"])
            if approver:
                self._approve(release, approver)
        except (StepRefused, ReleaseUnavailable) as error:
            raise CommandError(str(error)) from None

    def _propose(self, release: Release, email: str, inputs: int) -> None:
        proposal = lifecycle.propose(release, named_steward(email), inputs)
        self.stdout.write(f"{proposal.proposed_by} proposes {release}.\n{report_text(open_report(proposal))}")
        self.stdout.write(
            "Next: somebody else reads this and approves it in the admin, or with\n"
            f"  python manage.py activate_model {release} --approved-by EMAIL"
        )

    def _approve(self, release: Release, email: str) -> None:
        steward = named_steward(email)
        proposal = lifecycle.latest_proposal(release)
        lifecycle.approve(proposal, steward)
        self.stdout.write(
            f"{release} is live: proposed by {proposal.proposed_by}, approved by {steward.person}.\n"
            "Next: should it go wrong, go back with\n"
            "  python manage.py roll_back_model --by EMAIL --reason TEXT"
        )
