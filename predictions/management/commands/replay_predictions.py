"""`replay_predictions`: run stored predictions again; each must give the same bits."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from accounts.row_scope import across_organisations
from predictions import replay
from predictions.management.naming import count
from predictions.models import Prediction

REPORTED_EVERY = 500


class Command(BaseCommand):
    help = "Run stored predictions again on their own releases. Status 1 when one gives other bits."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--sample", type=count, metavar="N", help="so many, drawn at random")
        which.add_argument("--prediction", type=UUID, metavar="ID")
        which.add_argument("--all", action="store_true")

    @across_organisations()
    def handle(self, *_args: Any, **options: Any) -> None:
        predictions = _chosen(options)
        total, differing = predictions.count(), 0
        replayed = replay.replay_each(predictions.iterator())
        for position, (prediction, differences) in enumerate(replayed, start=1):
            differing += bool(differences)
            for difference in differences:
                self.stdout.write(f"{prediction.id} {difference}")
            if position % REPORTED_EVERY == 0:
                self.stderr.write(f"{position} of {total}")
        if differing:
            raise CommandError(f"{differing} of {total} predictions differ.")
        self.stdout.write(f"{total} predictions give the same bits.")


def _chosen(options: dict[str, Any]) -> QuerySet[Prediction]:
    if options["sample"]:
        return replay.random_sample(options["sample"])
    if not options["prediction"]:
        return replay.stored_predictions()
    chosen = replay.stored_predictions().filter(id=options["prediction"])
    if not chosen.exists():
        raise CommandError(f"There is no prediction {options['prediction']} that can be read.")
    return chosen
