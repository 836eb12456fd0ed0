"""The card as a document: first what matters, then what it rests on."""

from django.utils.translation import gettext as _

from predictions.documents import Document
from predictions.model_card import origin, performance, purpose
from predictions.model_card.gathering import Card


def document_of(card: Card) -> Document:
    """Everything of a card, in the order in which a reader asks."""
    manifest = card.manifest
    return Document(
        _("Model card: {release}").format(release=card.release),
        (
            purpose.in_short(manifest),
            purpose.intended_use(manifest),
            purpose.target(manifest),
            performance.performance(manifest),
            purpose.limits(manifest),
            purpose.fairness(manifest),
            origin.cohort(manifest),
            origin.refusals(manifest),
            origin.training(manifest),
            origin.comparison(manifest),
            origin.panel(manifest),
            origin.versions(card),
            origin.digests(card),
        ),
    )
