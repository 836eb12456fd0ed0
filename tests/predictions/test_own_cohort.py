"""A release from a user's own cohort is trained, served and gated by its manifest alone."""

import io

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ml_models import training
from predictions import lifecycle, releases, submission
from predictions.exceptions import PanelRefused
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.models import Release

pytestmark = pytest.mark.django_db

GENES = [f"GENE{number:02}" for number in range(16)]
MEANS = np.linspace(2, 13, 16)
NAME = {"aged": "own-panel", "ageless": "own-ageless-panel"}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(training, "REPEATS", 1)
    monkeypatch.setattr(training, "PERTURBED_ROWS", 50)


@pytest.fixture(scope="module")
def own_values():
    return np.round(MEANS + np.random.default_rng(8).normal(0, 0.7, (80, 16)), 4)


@pytest.fixture(scope="module")
def files(tmp_path_factory, own_values):
    """80 patients whose hazard GENE00 drives: expression by samples, clinical with ages and without."""
    folder, random = tmp_path_factory.mktemp("own"), np.random.default_rng(9)
    time = random.exponential(9 * np.exp(-own_values[:, 0] + 2))
    event, time = (time < 15).astype(int), np.minimum(time, 15)
    expression, aged, ageless = (folder / name for name in ("expression.tsv", "aged.csv", "ageless.csv"))
    rows = ["\t".join(["sample", *GENES])]
    rows += ["\t".join([f"S{i}", *map(str, row)]) for i, row in enumerate(own_values)]
    expression.write_text("\n".join(rows))
    lines = [(f"S{i}", time[i], event[i], 40 + i % 30) for i in range(80)]
    for path, columns in ((aged, 4), (ageless, 3)):
        header = ["sample_id", "time_years", "event", "age"][:columns]
        path.write_text(
            "\n".join(",".join(map(str, line)) for line in [header, *(r[:columns] for r in lines)])
        )
    return {"expression": expression, "aged": aged, "ageless": ageless}


@pytest.fixture(params=["aged", "ageless"])
def own(request, quick, files):
    """The kind of cohort, and its release, live."""
    kind, printed = request.param, io.StringIO()
    if (NAME[kind], "1.0.0") in releases.store().names():  # files outlive the database of a test
        manifest = releases.store().manifest(NAME[kind], "1.0.0", releases.keys())
        releases.register({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    else:
        train(files, kind, stdout=printed)
        assert "samples by genes: 16 genes, 80 samples" in printed.getvalue()
    release = Release.objects.get(name=NAME[kind])
    lifecycle.start_with({"name": release.name, "version": release.version, "sha256": release.sha256})
    return kind, release


def train(files, kind="aged", **options):
    given = {
        "expression": files["expression"],
        "clinical": files[kind],
        "name": NAME[kind],
        "unit": "log2_tpm",
        "platform": "illumina-novaseq",
        "cohort_name": "Our cohort",
    }
    call_command("train_model", "1.0.0", **{**given, **options})


def request_of(values, unit="log2_tpm", **options):
    pairs = zip(GENES, values.tolist(), strict=True)
    return PanelRequest(tuple(Measurement(*pair) for pair in pairs), unit, **options)


def test_the_manifest_says_what_the_cohort_was(own):
    kind, release = own
    manifest = releases.manifest_of(release)
    assert (manifest.unit, manifest.platform, manifest.cohort.name) == (
        "log2_tpm",
        "illumina-novaseq",
        "Our cohort",
    )
    assert manifest.intended_use.startswith("Research use only")
    assert manifest.gate.passed >= 0.95 * manifest.gate.of
    for part in (manifest.age, manifest.performance.with_age, manifest.training.with_age):
        assert (part is None) == (kind == "ageless")


def test_its_own_samples_are_answered_in_its_own_unit(own, alice_acting, own_values):
    kind, release = own
    prediction = submission.submit_panel(request_of(own_values[0], age_years=50), alice_acting)
    assert prediction.release == release
    contributions = prediction.result["contributions"]
    assert list(contributions) == [*GENES, "age"]
    assert (contributions["age"] == 0) == (kind == "ageless")
    warnings = [warning["code"] for warning in facts_of(prediction)["warnings"]]
    assert ("age_not_used" in warnings) == (kind == "ageless")
    assert "age_unknown" not in warnings


def test_its_gate_refuses_what_is_not_like_its_cohort(own, alice_acting, own_values):
    refused = {}
    for name, values in {
        "upside down": own_values[0][::-1],
        "natural logarithms": own_values[0] * np.log(2),
        "counts": np.round(2 ** own_values[0]) + 1000,
    }.items():
        with pytest.raises(PanelRefused) as caught:
            submission.submit_panel(request_of(values), alice_acting)
        refused[name] = caught.value.problems[0]
    assert [problem.code for problem in refused.values()] == [
        "wrong_values",
        "wrong_scale",
        "unit_contradicted",
    ]
    assert "illumina-novaseq" in refused["natural logarithms"].mend


def test_the_unit_of_another_release_is_refused(own, alice_acting, own_values):
    with pytest.raises(PanelRefused, match="unit_not_supported"):
        submission.submit_panel(request_of(own_values[0], "log2_intensity"), alice_acting)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"clinical": None}, "both --expression and --clinical"),
        ({"name": None}, "--name"),
        ({"name": training.NAME}, "choose another"),
        ({"name": "Ours!"}, "lower-case"),
        ({"intended_use": "For treatment"}, "must begin with 'Research use only'"),
        ({"expression": None, "clinical": None}, "need its files"),
    ],
)
def test_options_that_make_no_release_are_refused(files, options, told):
    with pytest.raises(CommandError, match=told):
        train(files, **options)
    assert not Release.objects.exists()


def test_bad_files_are_refused_and_nothing_is_stored(files, tmp_path):
    bad = tmp_path / "clinical.csv"
    bad.write_text(files["aged"].read_text().replace("S3,", "S4,"))
    before = releases.store().names()
    with pytest.raises(CommandError, match=r"2 problems(.|\n)*S4 stand there more than once(.|\n)*S3"):
        train(files, clinical=bad, name="own-bad")
    assert releases.store().names() == before
    assert not Release.objects.exists()


def test_a_panel_whose_genes_are_all_alike_gets_no_release(files, tmp_path, quick):
    alike = tmp_path / "expression.csv"
    values = np.random.default_rng(1).normal(8, 1, (80, 16))
    rows = [",".join(["sample", *GENES])]
    rows += [",".join([f"S{i}", *map(str, row)]) for i, row in enumerate(values)]
    alike.write_text("\n".join(rows))
    with pytest.raises(CommandError, match="shuffled"):
        train(files, expression=alike, name="own-alike")
    assert not Release.objects.exists()


def test_a_release_is_validated_on_two_files_and_the_report_is_written(own, files, tmp_path):
    kind, printed = own[0], io.StringIO()
    call_command(
        "validate_model",
        NAME[kind],
        "1.0.0",
        expression=files["expression"],
        clinical=files["aged"],
        out=tmp_path / "report",
        cohort_name="The same again",
        stdout=printed,
    )
    assert "on The same again" in printed.getvalue()
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "validation.md",
        "validation.json",
        "calibration.svg",
    }
    assert (tmp_path / "report" / "validation.md").read_text() in printed.getvalue()


def test_a_release_that_is_not_registered_or_files_that_are_bad_are_refused(own, files, tmp_path):
    options = {"expression": files["expression"], "clinical": files["expression"], "out": tmp_path}
    with pytest.raises(CommandError, match="No release nobody 1"):
        call_command("validate_model", "nobody", "1.0.0", **options)
    with pytest.raises(CommandError, match="there is no column 'sample_id'"):
        call_command("validate_model", NAME[own[0]], "1.0.0", **options)
    assert not (tmp_path / "validation.md").exists()
