"""The first sections of a card: what it is for, what it predicts, what it cannot do, and for whom."""

from ml_models.manifest import Category, Estimate, Manifest, Subgroup
from predictions.documents import Bullets, Cell, Paragraph, Section, Table, Terms
from predictions.facts import GROUPS
from predictions.model_card.limits import limits_of
from predictions.model_card.rounding import band, figure, out_of_100, with_interval

CHANCE = 0.5


def in_short(manifest: Manifest) -> Section:
    """What a reader with one minute takes away."""
    figures, cohort = manifest.performance.without_age, manifest.cohort
    apart = (
        "Of two patients, one with a distant metastasis within 5 years and one without, it gave the first "
        f"the higher risk {_of_100(figures.auc_5y)} times out of 100 (95 % interval). A coin would do so "
        "50 times."
    )
    true = (
        f"For every 100 metastases it predicted within 5 years, {_of_100(figures.observed_expected_5y)} "
        "happened (95 % interval)."
    )
    limit = (
        f"It learned from {cohort.patients} patients, {cohort.distant_metastases} of whom had a distant "
        "metastasis, and was tested in that one cohort."
    )
    return Section(
        "in-short",
        "In short",
        (
            Terms(
                (
                    ("What it is for", manifest.intended_use),
                    ("How well it tells patients apart", apart),
                    ("How far its risks come true", true),
                    ("Its main limit", limit),
                )
            ),
        ),
    )


def _of_100(estimate: Estimate) -> str:
    return with_interval(estimate, decimals=0, times=100)


def intended_use(manifest: Manifest) -> Section:
    """Who may use it for what, and who may not."""
    return Section(
        "use",
        "What it is for, and what it is not for",
        (
            Paragraph(manifest.intended_use),
            Bullets(
                (
                    "For research, by people who know the assay and the cohort: it is no medical device.",
                    "Not for deciding on a treatment. It says nothing of what a treatment would change.",
                    "Not for patients or samples unlike those below; what can be recognised is refused.",
                    "Not on its own: stage, grade and receptors are not in it, and are known to matter.",
                )
            ),
        ),
    )


def target(manifest: Manifest) -> Section:
    """The event, the time, the form of the answer."""
    years, rules = manifest.horizons, manifest.classification
    return Section(
        "target",
        "What it predicts",
        (
            Paragraph(
                "Distant metastasis: the first spread of the tumour to another organ. Neither a "
                "recurrence in the breast nor death is predicted."
            ),
            Paragraph(
                f"The risk by each year from {years[0]} to {years[-1]} after surgery, first of all by 5 "
                "and 10, out of 100 patients like this one, each with a 95 % interval. Higher means a "
                "higher risk."
            ),
            Table(
                "Groups of the 5-year risk, fixed before training. They order patients; none says treat. "
                "Observed: distant metastasis within 5 years out of 100 (95 % interval), in patients who "
                "did not help to predict themselves.",
                ("Group", "Patients", "Share of the cohort", "Observed"),
                tuple(_group_row(*group) for group in zip(GROUPS, rules.categories, strict=True)),
            ),
            Paragraph(
                "A result has no group if its interval reaches more than "
                f"{100 * rules.crossing_maximum:.0f} out of 100 beyond it. That leaves "
                f"{100 * (1 - rules.classifiable_share):.0f} % of the cohort without one."
            ),
        ),
    )


def _group_row(name: str, category: Category) -> tuple[Cell, ...]:
    observed = category.observed_5y
    return (
        Cell(name.capitalize(), band(category.minimum, category.maximum)),
        Cell(str(category.patients)),
        Cell(f"{100 * category.share:.0f} %"),
        out_of_100(observed) if observed else Cell("nobody was in it"),
    )


def limits(manifest: Manifest) -> Section:
    """What it cannot do."""
    return Section("limits", "Limits", (Bullets(tuple(limits_of(manifest))),))


def fairness(manifest: Manifest) -> Section:
    """For whom it does better or worse, and for whom nobody knows."""
    groups = manifest.evaluation.subgroups
    ancestry = (
        "Ancestry is not in the data it learned from. Whether it does as well for patients of every "
        "ancestry cannot be told from this cohort, and should not be presumed."
    )
    table = Table(
        "Each group by itself (95 % interval); C-index: 0.5 is chance, 1 is perfect; observed / expected: "
        "1 is right, below 1 the risks were too high. A group with too few events has no figure.",
        ("Group", "Patients", "With metastasis", "C-index", "Observed / expected, 5 years"),
        tuple(map(_subgroup_row, groups)),
    )
    notes = (Paragraph(_unproven(groups)), Paragraph(ancestry))
    return Section("groups", "For whom it does better or worse", (table, *notes))


def _subgroup_row(group: Subgroup) -> tuple[Cell, ...]:
    c_index, ratio = group.c_index_harrell, group.observed_expected_5y
    return (
        Cell(group.name[0].upper() + group.name[1:]),
        Cell(str(group.patients)),
        Cell(str(group.distant_metastases)),
        figure(c_index) if c_index else Cell("too few"),
        figure(ratio) if ratio else Cell("too few"),
    )


def _unproven(groups: tuple[Subgroup, ...]) -> str:
    """Say it where a group's interval holds chance: the table alone is easily read past."""
    unproven = [
        f"{group.name}, C-index {with_interval(group.c_index_harrell)}"
        for group in groups
        if group.c_index_harrell and group.c_index_harrell.lower <= CHANCE
    ]
    if not unproven:
        return "In every group with enough events the interval of the C-index lies above chance."
    return "Not shown to be better than chance in: " + "; ".join(unproven) + ". Read such a risk with care."
