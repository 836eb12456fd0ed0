"""The later sections of a card: whom it learned from, how it was made, when it refuses, and its versions."""

from ml_models.manifest import Candidate, Comparison, Gene, Manifest
from predictions.documents import Block, Cell, Paragraph, Section, Table, Terms
from predictions.model_card.gathering import Card, Listed, page_of
from predictions.model_card.limits import publication_of
from predictions.model_card.measures import MAIN
from predictions.model_card.rounding import figure, incidence, number


def cohort(manifest: Manifest) -> Section:
    """Whom it learned from, and what happened to them."""
    of = manifest.cohort
    publication = publication_of(manifest)
    told: tuple[Block, ...] = (Paragraph(publication.patients),) if publication else ()
    return Section(
        "cohort",
        "Whom it learned from",
        (
            Terms(
                (
                    ("Cohort", of.name),
                    ("Patients", str(of.patients)),
                    ("With a distant metastasis", str(of.distant_metastases)),
                    ("Age", _ages(manifest)),
                    ("Published", of.citation),
                )
            ),
            *told,
            Table(
                "Distant metastasis out of 100 patients of the cohort, by each year since surgery "
                "(Kaplan-Meier, 95 % interval): the average beside every risk",
                ("Year", "With metastasis", "Still followed"),
                tuple((Cell(str(at.year)), incidence(at), Cell(str(at.at_risk))) for at in of.observed),
            ),
        ),
    )


def refusals(manifest: Manifest) -> Section:
    """When a sample is not answered, and what missing genes cost."""
    gate, missing = manifest.gate, manifest.missing
    return Section(
        "refusals",
        "When it does not answer",
        (
            Paragraph(
                "Before a sample is read it is compared with the average of the cohort, gene by gene. It "
                "is refused unless the genes lie in the same order (Spearman's rho, at least "
                f"{gate.spearman_minimum:g}; 1 is the same order, 0 none) and at the same height (mean "
                f"distance, at most {gate.mean_absolute_z_maximum:g} standard deviations). Of the cohort's "
                f"own samples {gate.passed} of {gate.of} pass. Below a rho of "
                f"{gate.platform_spearman_minimum:g} the values are held to be ratios, or to stand beside "
                "the wrong genes."
            ),
            Paragraph(
                f"Below {100 * missing.warn_below:.0f} % of the genes the result carries a warning, below "
                f"{100 * missing.refuse_below:.0f} % there is no result. A gene that is missing is "
                "replaced by what the others lead to expect, and the interval widens."
            ),
            Table(
                "What missing genes cost: how far the 5-year risk of a patient of the cohort moved on "
                "average, in points out of 100, when genes were taken away at random",
                ("Genes missing", "Moved by"),
                tuple(
                    (
                        Cell(f"{cost.missing} of {len(manifest.genes)}"),
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
        "How it was made",
        (
            Paragraph(
                "A Cox model: each gene adds to, or takes from, the logarithm of the hazard of metastasis "
                "in proportion to its value, so that the share of every gene in a risk is exact. A ridge "
                "penalty keeps all effects small, which so few events demand; cross-validation chose its "
                "strength, and a slope that shrinks the risks towards the average. The average over the "
                "years is Breslow's estimate. With an age, a second fit is used that has age as one more "
                "penalised column; age is never made up."
            ),
            Terms(
                (
                    (
                        "Ridge penalty, without and with age",
                        _both([number(fit.penalty, 1) for fit in fits]),
                    ),
                    ("Slope, without and with age", _both([number(fit.slope, 2) for fit in fits])),
                    (
                        "Intervals of a risk",
                        f"from {made.draws} draws of what the data leave uncertain in the effects, in the "
                        "strength of the penalty and in the average",
                    ),
                    ("Seed", str(made.seed)),
                    ("Digest of the data (SHA-256)", made.data_sha256),
                    (
                        "Libraries",
                        f"Python {made.libraries.python}, numpy {made.libraries.numpy}, scikit-learn "
                        f"{made.libraries.scikit_learn}, joblib {made.libraries.joblib}",
                    ),
                )
            ),
        ),
    )


def _both(figures: list[str]) -> str:
    return " and ".join(figures)


def _ages(manifest: Manifest) -> str:
    return f"{manifest.age.minimum:.0f} to {manifest.age.maximum:.0f} years" if manifest.age else "not known"


def comparison(manifest: Manifest) -> Section:
    """The released estimator beside others, or how to get there."""
    compared = manifest.comparison
    blocks: tuple[Block, ...] = (
        Paragraph(
            "No other estimator was measured with this release. Whoever trains one with train_model "
            "VERSION --compare gets the table here, in some ten minutes."
        ),
    )
    if compared:
        blocks = (Paragraph(_comparison_words(compared)), _candidates(compared))
    return Section("comparison", "Beside other estimators", blocks)


def _comparison_words(compared: Comparison) -> str:
    return (
        f"Each was tuned and fitted on the same folds ({compared.folds}, {compared.repeats} times over; 95 "
        f"% intervals from {compared.bootstraps} bootstrap samples). The last column is the difference of "
        "the gain in the Brier score to that of the first, patient by patient: an interval that holds 0 "
        "says that neither is shown to be better. Whoever tries many finds one that looks better by luck, "
        "so the rule of choice was written down before the comparison."
    )


def _candidates(compared: Comparison) -> Table:
    return Table(
        "Estimators in cross-validation (95 % interval), without age but for age alone",
        ("Estimator", *(measure.name for measure in MAIN), "Difference of the gain, %"),
        tuple(_candidate_row(candidate, compared) for candidate in compared.candidates),
    )


def _candidate_row(candidate: Candidate, compared: Comparison) -> tuple[Cell, ...]:
    is_first = candidate is compared.candidates[0]
    return (
        Cell(candidate.name[0].upper() + candidate.name[1:], candidate.description),
        *(measure.of(candidate.figures) for measure in MAIN),
        Cell("reference") if is_first else figure(candidate.brier_gain_difference_5y, 1, 100),
    )


def panel(manifest: Manifest) -> Section:
    """The genes."""
    probe_sets = sum(len(gene.probe_sets) for gene in manifest.genes)
    return Section(
        "panel",
        "The panel",
        (
            Paragraph(
                f"{len(manifest.genes)} genes, measured by {probe_sets} probe sets of Affymetrix HG-U133A "
                "as log2 intensities; a gene with several is their mean. Age is optional."
            ),
            Table(
                "The genes, with the mean and standard deviation of their log2 intensity in the cohort",
                ("Gene", "Former symbols", "Entrez", "Ensembl", "Probe sets", "Mean (SD)"),
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
    caption = "Newest first; figures of the fit without age, 95 % interval"
    return Section("versions", "Versions", (releases_table(caption, card.versions),))


def releases_table(caption: str, listed: tuple[Listed, ...]) -> Table:
    """Releases with their state and main figures."""
    return Table(
        caption,
        ("Release", "State", *(measure.name for measure in MAIN)),
        tuple(map(_release_row, listed)),
    )


def _release_row(listed: Listed) -> tuple[Cell, ...]:
    release, manifest = listed.release, listed.manifest
    figures = (
        (measure.of(manifest.performance.without_age) for measure in MAIN)
        if manifest
        else (Cell("cannot be read") for _ in MAIN)
    )
    name = Cell(str(release), href=page_of(release))
    state = release.get_state_display().partition(":")[0]
    return (name, Cell(state), *figures)


def digests(card: Card) -> Section:
    """What binds the card to the model that answers."""
    parts = card.manifest.parts
    return Section(
        "digests",
        "Digests",
        (
            Paragraph(
                "Everything above is read from the manifest of the release, whose signature is checked "
                "whenever it is opened. Its digest is on every result."
            ),
            Terms(
                (
                    ("Manifest (SHA-256)", card.release.sha256),
                    ("scikit-learn form (SHA-256)", f"{parts.pickle.sha256}, {parts.pickle.size:,} bytes"),
                    ("ONNX form (SHA-256)", f"{parts.onnx.sha256}, {parts.onnx.size:,} bytes"),
                    ("On record since", f"{card.release.registered_at:%Y-%m-%d %H:%M} UTC"),
                )
            ),
        ),
    )
