"""The later sections of a card: whom it learned from, how it was made, when it refuses, and its versions."""

from django.utils.translation import gettext as _

from ml_models.manifest import Candidate, Comparison, Gene, Manifest
from predictions.documents import Block, Cell, Paragraph, Section, Table, Terms
from predictions.model_card.gathering import Card, Listed, page_of
from predictions.model_card.limits import publication_of
from predictions.model_card.measures import MAIN
from predictions.model_card.rounding import capitalised, figure, incidence, number, plain
from predictions.wording import say_kept


def cohort(manifest: Manifest) -> Section:
    """Whom it learned from, and what happened to them."""
    of = manifest.cohort
    publication = publication_of(manifest)
    told: tuple[Block, ...] = (Paragraph(_(publication.patients)),) if publication else ()
    return Section(
        "cohort",
        _("Whom it learned from"),
        (
            Terms(
                (
                    (_("Cohort"), of.name),
                    (_("Patients"), str(of.patients)),
                    (_("With a distant metastasis"), str(of.distant_metastases)),
                    (_("Age"), _ages(manifest)),
                    (_("Published"), of.citation),
                )
            ),
            *told,
            Table(
                _(
                    "Distant metastasis out of 100 patients of the cohort, by each year since surgery "
                    "(Kaplan-Meier, 95 % interval): the average beside every risk"
                ),
                (_("Year"), _("With metastasis"), _("Still followed, without metastasis")),
                tuple((Cell(str(at.year)), incidence(at), Cell(str(at.at_risk))) for at in of.observed),
            ),
        ),
    )


def refusals(manifest: Manifest) -> Section:
    """When a sample is not answered, and what missing genes cost."""
    gate, missing = manifest.gate, manifest.missing
    return Section(
        "refusals",
        _("When it does not answer"),
        (
            Paragraph(
                _(
                    "Before a sample is read it is compared with the average of the cohort, gene by "
                    "gene. It is refused unless the genes lie in the same order (Spearman's rho, at "
                    "least {rho}; 1 is the same order, 0 none) and at the same height (mean "
                    "distance, at most {most} standard deviations). Of the cohort's "
                    "own samples {passed} of {of} pass. Below a rho of {platform_rho} the "
                    "values are held to be ratios, or to stand beside the wrong genes."
                ).format(
                    rho=plain(gate.spearman_minimum),
                    most=plain(gate.mean_absolute_z_maximum),
                    passed=gate.passed,
                    of=gate.of,
                    platform_rho=plain(gate.platform_spearman_minimum),
                )
            ),
            Paragraph(
                _(
                    "Below {warn_below} % of the genes the result carries a warning, below "
                    "{refuse_below} % there is no result. A gene that is missing is replaced by what the "
                    "others lead to expect, and the interval widens."
                ).format(
                    warn_below=f"{100 * missing.warn_below:.0f}",
                    refuse_below=f"{100 * missing.refuse_below:.0f}",
                )
            ),
            Table(
                _(
                    "What missing genes cost: how far the 5-year risk of a patient of the cohort moved on "
                    "average, in points out of 100, when genes were taken away at random"
                ),
                (_("Genes missing"), _("Moved by")),
                tuple(
                    (
                        Cell(
                            _("{missing} of {genes}").format(missing=cost.missing, genes=len(manifest.genes))
                        ),
                        Cell(number(cost.mean_absolute_change_5y, 1)),
                    )
                    for cost in missing.cost
                ),
            ),
        ),
    )


def training(manifest: Manifest) -> Section:
    """How it was made, enough to make it again."""
    made = manifest.training
    fits = [fit for fit in (made.without_age, made.with_age) if fit]
    return Section(
        "training",
        _("How it was made"),
        (
            Paragraph(
                _(
                    "A Cox model: each gene adds to, or takes from, the logarithm of the hazard of "
                    "metastasis "
                    "in proportion to its value, so that the share of every gene in a risk is exact. A ridge "
                    "penalty keeps all effects small, which so few events demand; cross-validation chose its "
                    "strength, and a slope that shrinks the risks towards the average. The average over the "
                    "years is Breslow's estimate. With an age, a second fit is used that has age as one more "
                    "penalised column; age is never made up."
                )
            ),
            Terms(
                (
                    (
                        _("Ridge penalty, without and with age"),
                        _both([number(fit.penalty, 1) for fit in fits]),
                    ),
                    (_("Slope, without and with age"), _both([number(fit.slope, 2) for fit in fits])),
                    (
                        _("Intervals of a risk"),
                        _(
                            "from {draws} draws of what the data leave uncertain in the effects, in the "
                            "strength of the penalty and in the average"
                        ).format(draws=made.draws),
                    ),
                    (_("Seed"), str(made.seed)),
                    (_("Digest of the data (SHA-256)"), made.data_sha256),
                    (
                        _("Libraries"),
                        _(
                            "Python {python}, numpy {numpy}, scikit-learn {scikit_learn}, joblib {joblib}"
                        ).format(
                            python=made.libraries.python,
                            numpy=made.libraries.numpy,
                            scikit_learn=made.libraries.scikit_learn,
                            joblib=made.libraries.joblib,
                        ),
                    ),
                )
            ),
        ),
    )


def _both(figures: list[str]) -> str:
    return " / ".join(figures)


def _ages(manifest: Manifest) -> str:
    return (
        _("{minimum} to {maximum} years").format(
            minimum=f"{manifest.age.minimum:.0f}", maximum=f"{manifest.age.maximum:.0f}"
        )
        if manifest.age
        else _("not known")
    )


def comparison(manifest: Manifest) -> Section:
    """The released estimator beside others, or how to get there."""
    compared = manifest.comparison
    blocks: tuple[Block, ...] = (
        Paragraph(
            _(
                "No other estimator was measured with this release. Whoever trains one with train_model "
                "VERSION --compare gets the table here, in some ten minutes."
            )
        ),
    )
    if compared:
        blocks = (Paragraph(_comparison_words(compared)), _candidates(compared))
    return Section("comparison", _("Beside other estimators"), blocks)


def _comparison_words(compared: Comparison) -> str:
    return _(
        "Each was tuned and fitted on the same folds ({folds}, {repeats} times over; 95 % "
        "intervals from {bootstraps} bootstrap samples). The last column is the difference "
        "of the gain in the Brier score to that of the first, patient by patient: an "
        "interval that holds 0 says that neither is shown to be better. Whoever tries many "
        "finds one that looks better by luck, so the rule of choice was written down before "
        "the comparison."
    ).format(folds=compared.folds, repeats=compared.repeats, bootstraps=compared.bootstraps)


def _candidates(compared: Comparison) -> Table:
    return Table(
        _("Estimators in cross-validation (95 % interval), without age but for age alone"),
        (_("Estimator"), *(measure.name for measure in MAIN), _("Difference of the gain, %")),
        tuple(_candidate_row(candidate, compared) for candidate in compared.candidates),
    )


def _candidate_row(candidate: Candidate, compared: Comparison) -> tuple[Cell, ...]:
    is_first = candidate is compared.candidates[0]
    return (
        Cell(capitalised(say_kept(candidate.name)), say_kept(candidate.description)),
        *(measure.of(candidate.figures) for measure in MAIN),
        Cell(_("reference")) if is_first else figure(candidate.brier_gain_difference_5y, 1, 100),
    )


def panel(manifest: Manifest) -> Section:
    """The genes."""
    probe_sets = sum(len(gene.probe_sets) for gene in manifest.genes)
    return Section(
        "panel",
        _("The panel"),
        (
            Paragraph(
                _(
                    "{genes} genes, measured by {probe_sets} probe sets of Affymetrix HG-U133A as log2 "
                    "intensities; a gene with several is their mean. Age is optional."
                ).format(genes=len(manifest.genes), probe_sets=probe_sets)
            ),
            Table(
                _("The genes, with the mean and standard deviation of their log2 intensity in the cohort"),
                (_("Gene"), _("Former symbols"), _("Entrez"), _("Ensembl"), _("Probe sets"), _("Mean (SD)")),
                tuple(map(_gene_row, manifest.genes)),
                folded=True,
            ),
        ),
    )


def _gene_row(gene: Gene) -> tuple[Cell, ...]:
    return (
        Cell(gene.symbol),
        Cell(", ".join(gene.former_symbols) or "-"),
        Cell("-" if gene.entrez_id is None else str(gene.entrez_id)),
        Cell(gene.ensembl_id or "-"),
        Cell(", ".join(gene.probe_sets) or "-"),
        Cell(number(gene.mean, 2), f"({number(gene.sd, 2)})"),
    )


def versions(card: Card) -> Section:
    """All versions of the name side by side."""
    caption = _("Newest first; figures of the fit without age, 95 % interval")
    return Section("versions", _("Versions"), (releases_table(caption, card.versions),))


def releases_table(caption: str, listed: tuple[Listed, ...]) -> Table:
    """Releases with their state and main figures."""
    return Table(
        caption,
        (_("Release"), _("State"), *(measure.name for measure in MAIN)),
        tuple(map(_release_row, listed)),
    )


def _release_row(listed: Listed) -> tuple[Cell, ...]:
    release, manifest = listed.release, listed.manifest
    figures = (
        (measure.of(manifest.performance.without_age) for measure in MAIN)
        if manifest
        else [Cell(_("cannot be read"))] * len(MAIN)
    )
    name = Cell(str(release), href=page_of(release))
    state = release.get_state_display().partition(":")[0]
    return (name, Cell(state), *figures)


def digests(card: Card) -> Section:
    """What binds the card to the model that answers."""
    parts = card.manifest.parts
    return Section(
        "digests",
        _("Digests"),
        (
            Paragraph(
                _(
                    "Everything above is read from the manifest of the release, whose signature is checked "
                    "whenever it is opened. Its digest is on every result."
                )
            ),
            Terms(
                (
                    (_("Manifest (SHA-256)"), card.release.sha256),
                    (
                        _("scikit-learn form (SHA-256)"),
                        _("{digest}, {size} bytes").format(
                            digest=parts.pickle.sha256, size=plain(parts.pickle.size)
                        ),
                    ),
                    (
                        _("ONNX form (SHA-256)"),
                        _("{digest}, {size} bytes").format(
                            digest=parts.onnx.sha256, size=plain(parts.onnx.size)
                        ),
                    ),
                    (
                        _("On record since"),
                        _("{time} UTC").format(time=f"{card.release.registered_at:%Y-%m-%d %H:%M}"),
                    ),
                )
            ),
        ),
    )
