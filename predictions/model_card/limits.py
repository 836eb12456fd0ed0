"""What a release cannot do: as much as its manifest and the publication of its cohort tell."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ml_models.manifest import Manifest
from predictions.model_card.rounding import number, with_interval


@dataclass(frozen=True, slots=True)
class Publication:
    """What the publication of a cohort says of its patients, beyond what a manifest holds."""

    patients: str
    limits: tuple[str, ...]


PUBLICATIONS = {
    "GSE7390 (TRANSBIG)": Publication(
        patients=gettext_noop(
            "Women younger than 61 from five cancer centres, with node-negative breast cancer, who "
            "had local therapy only. Frozen tumour was measured on Affymetrix HG-U133A at one institute, "
            "blinded to the outcome (Desmedt 2007). Of 302 patients of the series 198 had RNA enough and of "
            "the quality needed; they were followed for a median of 14.0 years (Desmedt 2006, abstract of "
            "the "
            "same study). The series was collected to test the 76 probe sets independently, so their choice "
            "owes nothing to these patients."
        ),
        limits=(
            gettext_noop(
                "Of the 302 patients of the series 83 were left out because their tumour gave too little "
                "RNA, "
                "and 21 because its quality was too low (Desmedt 2006). Those who were left out may differ."
            ),
            gettext_noop(
                "Node-negative disease without systemic therapy only. Nobody in the cohort had a positive "
                "node, endocrine therapy or chemotherapy, so the card says nothing about such patients, and "
                "nothing about what a treatment would change."
            ),
            gettext_noop(
                "The effect fades with time. On the same patients the published 76-gene score had an "
                "adjusted "
                "hazard ratio of 13.58 (1.85 to 99.63) at 5 years and of 5.11 (1.57 to 16.67) at 10 years "
                "(Desmedt 2007)."
            ),
        ),
    ),
}


def limits_of(manifest: Manifest) -> Iterator[str]:
    """The limits of a release, gravest first."""
    yield _few_patients(manifest)
    yield (
        _(
            "Tested in one cohort only. Cross-validation keeps a patient from predicting herself, but all "
            "come from the same series; how well it does elsewhere this card cannot tell."
        )
    )
    yield from _published(manifest)
    yield _later_years(manifest)
    yield (
        _(
            "The average risk does not travel. Where metastasis is more or less common than in this cohort, "
            "every risk is too low or too high until the model has been recalibrated there."
        )
    )
    yield _ages(manifest)
    yield (
        _(
            "Affymetrix HG-U133A, log2 intensities, only. Another platform or unit is refused, because the "
            "model would answer it with a risk near 0 or 100 for everybody."
        )
    )


def publication_of(manifest: Manifest) -> Publication | None:
    """What is published of the cohort, if it is known here."""
    return PUBLICATIONS.get(manifest.cohort.name)


def _few_patients(manifest: Manifest) -> str:
    cohort, c_index = manifest.cohort, manifest.performance.without_age.c_index_harrell
    return _(
        "Few patients: {patients}, of whom {distant_metastases} had a distant metastasis. So "
        "every figure is uncertain: the interval of the C-index, {c_index}, is {width} wide."
    ).format(
        patients=cohort.patients,
        distant_metastases=cohort.distant_metastases,
        c_index=with_interval(c_index),
        width=number(c_index.upper - c_index.lower, 2),
    )


def _published(manifest: Manifest) -> Iterator[str]:
    if publication := publication_of(manifest):
        yield from map(_, publication.limits)
    else:
        yield (
            _(
                "Who the patients were (nodes, therapy, centres) the manifest does not say. Ask whoever "
                "trained it before using it for anybody."
            )
        )


def _later_years(manifest: Manifest) -> str:
    figures = manifest.performance.without_age
    return _(
        "Look at 10 years apart from 5: the AUC is {auc_5y} at 5 and {auc_10y} at 10 years, "
        "the gain over telling everybody the average {brier_gain_5y} % and {brier_gain_10y} "
        "%."
    ).format(
        auc_5y=with_interval(figures.auc_5y),
        auc_10y=with_interval(figures.auc_10y),
        brier_gain_5y=with_interval(figures.brier_gain_5y, 1, 100),
        brier_gain_10y=with_interval(figures.brier_gain_10y, 1, 100),
    )


def _ages(manifest: Manifest) -> str:
    if manifest.age is None:
        return _("The ages of its patients are not known: it cannot say whether a patient is outside them.")
    return _(
        "Aged {minimum} to {maximum} only. An older or younger patient is outside the data; "
        "the result says so."
    ).format(minimum=f"{manifest.age.minimum:.0f}", maximum=f"{manifest.age.maximum:.0f}")
