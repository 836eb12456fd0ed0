"""The first sections of a card: what it is for, what it predicts, what it cannot do, and for whom."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ml_models.manifest import Category, Estimate, Manifest, Subgroup
from predictions.documents import Bullets, Cell, Paragraph, Section, Table, Terms
from predictions.facts import CHANCE, GROUPS
from predictions.model_card.limits import limits_of
from predictions.model_card.rounding import band, capitalised, figure, out_of_100, with_interval
from predictions.wording import say_kept

GROUP_NAMES = dict(
    zip(GROUPS, (gettext_noop("Lower"), gettext_noop("Middle"), gettext_noop("Higher")), strict=True)
)


def in_short(manifest: Manifest) -> Section:
    """What a reader with one minute takes away."""
    figures, cohort = manifest.performance.without_age, manifest.cohort
    apart = _(
        "Of two patients, one with a distant metastasis within 5 years and one without, it "
        "gave the first the higher risk {times} times out of 100 (95 % interval). A coin "
        "would do so 50 times."
    ).format(times=_of_100(figures.auc_5y))
    true = _(
        "For every 100 metastases it predicted within 5 years, {happened} happened (95 % interval)."
    ).format(happened=_of_100(figures.observed_expected_5y))
    limit = _(
        "It learned from {patients} patients, {distant_metastases} of whom had a distant "
        "metastasis, and was tested in that one cohort."
    ).format(patients=cohort.patients, distant_metastases=cohort.distant_metastases)
    return Section(
        "in-short",
        _("In short"),
        (
            Terms(
                (
                    (_("What it is for"), say_kept(manifest.intended_use)),
                    (_("How well it tells patients apart"), apart),
                    (_("How far its risks come true"), true),
                    (_("Its main limit"), limit),
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
        _("What it is for, and what it is not for"),
        (
            Paragraph(say_kept(manifest.intended_use)),
            Bullets(
                (
                    _("For research, by people who know the assay and the cohort: it is no medical device."),
                    _("Not for deciding on a treatment. It says nothing of what a treatment would change."),
                    _("Not for patients or samples unlike those below; what can be recognised is refused."),
                    _("Not on its own: stage, grade and receptors are not in it, and are known to matter."),
                )
            ),
        ),
    )


def target(manifest: Manifest) -> Section:
    """The event, the time, the form of the answer."""
    years, rules = manifest.horizons, manifest.classification
    return Section(
        "target",
        _("What it predicts"),
        (
            Paragraph(
                _(
                    "Distant metastasis: the first spread of the tumour to another organ. Neither a "
                    "recurrence in the breast nor death is predicted."
                )
            ),
            Paragraph(
                _(
                    "The risk by each year from {first} to {last} after surgery, first of all by 5 "
                    "and 10, out of 100 patients like this one, each with a 95 % interval. Higher means "
                    "a higher risk."
                ).format(first=years[0], last=years[-1])
            ),
            Table(
                _(
                    "Groups of the 5-year risk, fixed before training. They order patients; none says treat. "
                    "Observed: distant metastasis within 5 years out of 100 (95 % interval), in patients who "
                    "did not help to predict themselves."
                ),
                (_("Group"), _("Patients"), _("Share of the cohort"), _("Observed")),
                tuple(_group_row(*group) for group in zip(GROUPS, rules.categories, strict=True)),
            ),
            Paragraph(
                _(
                    "A result has no group if its interval reaches more than {most} out of "
                    "100 beyond it. That leaves {share} % of the cohort without one."
                ).format(
                    most=f"{100 * rules.crossing_maximum:.0f}",
                    share=f"{100 * (1 - rules.classifiable_share):.0f}",
                )
            ),
        ),
    )


def _group_row(name: str, category: Category) -> tuple[Cell, ...]:
    observed = category.observed_5y
    return (
        Cell(_(GROUP_NAMES[name]), band(category.minimum, category.maximum)),
        Cell(str(category.patients)),
        Cell(f"{100 * category.share:.0f} %"),
        out_of_100(observed) if observed else Cell(_("nobody was in it")),
    )


def limits(manifest: Manifest) -> Section:
    """What it cannot do."""
    return Section("limits", _("Limits"), (Bullets(tuple(limits_of(manifest))),))


def fairness(manifest: Manifest) -> Section:
    """For whom it does better or worse, and for whom nobody knows."""
    groups = manifest.evaluation.subgroups
    ancestry = _(
        "Ancestry is not in the data it learned from. Whether it does as well for patients of every "
        "ancestry cannot be told from this cohort, and should not be presumed."
    )
    table = Table(
        _(
            "Each group by itself (95 % interval); C-index: 0.5 is chance, 1 is perfect; observed / "
            "expected: "
            "1 is right, below 1 the risks were too high. A group with too few events has no figure."
        ),
        (_("Group"), _("Patients"), _("With metastasis"), _("C-index"), _("Observed / expected, 5 years")),
        tuple(map(_subgroup_row, groups)),
    )
    notes = (Paragraph(_unproven(groups)), Paragraph(ancestry))
    return Section("groups", _("For whom it does better or worse"), (table, *notes))


def _subgroup_row(group: Subgroup) -> tuple[Cell, ...]:
    c_index, ratio = group.c_index_harrell, group.observed_expected_5y
    return (
        Cell(capitalised(say_kept(group.name))),
        Cell(str(group.patients)),
        Cell(str(group.distant_metastases)),
        figure(c_index) if c_index else Cell(_("too few")),
        figure(ratio) if ratio else Cell(_("too few")),
    )


def _unproven(groups: tuple[Subgroup, ...]) -> str:
    """Say it where a group's interval holds chance: the table alone is easily read past."""
    unproven = [
        _("{group}, C-index {c_index}").format(
            group=say_kept(group.name), c_index=with_interval(group.c_index_harrell)
        )
        for group in groups
        if group.c_index_harrell and group.c_index_harrell.lower <= CHANCE
    ]
    if not unproven:
        return _("In every group with enough events the interval of the C-index lies above chance.")
    return _("Not shown to be better than chance in: {groups}. Read such a risk with care.").format(
        groups="; ".join(unproven)
    )
