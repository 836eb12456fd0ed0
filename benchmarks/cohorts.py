"""`python -m benchmarks.cohorts`: files of many samples, end to end, beside the raw limit.

Each sample of the file ends as a prediction with a key, sealed contents and an audit event of its own, read
with both forms of the model, in a Postgres that is durable as the product's; the worker is a process of its
own. The raw limit is polars parsing the same file and one dot product, in the same run, in turns. The floor
of durable rows is what the same Postgres takes of rows of that size, with one index and nothing else.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from uuid_utils.compat import uuid7

STEP = 10_000


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cohorts", description=main.__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", type=Path, help="where the worker's profile is kept, of one round")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        _work(options.profile)
        return
    place = Path(tempfile.mkdtemp(prefix="breastrisk-bench-"))
    place.chmod(0o711)
    os.environ["BREASTRISK_STATE"] = str(place)
    os.environ["MODEL_STORE"] = str(place / "releases")
    os.environ["DJANGO_SETTINGS_MODULE"] = "breastrisk.settings"
    try:
        _measure(place, options.rows, options.rounds, options.profile)
    finally:
        shutil.rmtree(place)


def _measure(place: Path, rows: int, rounds: int, profile: Path | None) -> None:
    from breastrisk.embedded import postgres  # noqa: PLC0415 - the place is chosen first
    from breastrisk.embedded.state import StateDirectory  # noqa: PLC0415 - likewise

    state = StateDirectory.default()
    server = postgres.start(state)
    try:
        os.environ["DATABASE_URL"] = postgres.url(state)
        import django  # noqa: PLC0415 - likewise

        django.setup()
        actor, manifest = _prepare()
        file = place / "samples.csv"
        _write_samples(file, rows, manifest)
        print(f"{rows:,} samples x {len(_probe_sets(manifest))}: {file.stat().st_size / 1e6:.0f} MB")
        measured = [_round(file, rows, actor, manifest, profile) for _ in range(rounds)]
        raw, spent = (statistics.median(seconds) for seconds in zip(*measured, strict=True))
        floor = _floor(rows)
        print(f"floor of durable rows: {rows / floor:,.0f} rows/s")
        print(f"of the raw limit {100 * raw / spent:.2f} %, of the floor {100 * floor / spent:.1f} %")
        _verify(rows * rounds)
    finally:
        server.stop()


def _prepare() -> tuple[Any, Any]:
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up now

    from accounts.actors import Actor  # noqa: PLC0415 - likewise
    from accounts.models import Organisation, Person  # noqa: PLC0415 - likewise
    from ml_models import training  # noqa: PLC0415 - likewise
    from predictions import lifecycle, releases  # noqa: PLC0415 - likewise
    from tests.panels import transbig  # noqa: PLC0415 - likewise

    call_command("migrate", verbosity=0)
    training.REPEATS, training.METRIC_BOOTSTRAPS = 1, 20
    manifest = training.train_release(transbig(), releases.keys(), releases.store())
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    alice = Person.objects.create(email="alice@clinic.example", name="Alice")
    return Actor(clinic, "form", person=alice), manifest


def _probe_sets(manifest: Any) -> list[tuple[str, int]]:
    return [(name, place) for place, gene in enumerate(manifest.genes) for name in gene.probe_sets]


def _write_samples(file: Path, rows: int, manifest: Any) -> None:
    """Real patients of GSE7390 with noise, three decimals; every tenth without an age."""
    from tests.panels import transbig  # noqa: PLC0415 - Django is set up now

    data, random = transbig(), np.random.default_rng(0)
    probe_sets = _probe_sets(manifest)
    with file.open("w") as out:
        out.write(",".join(["sample", "age", *(name for name, _ in probe_sets)]) + "\n")
        for first in range(0, rows, STEP):
            count = min(STEP, rows - first)
            patients = random.integers(0, 198, count)
            values = data.values[patients][:, [place for _, place in probe_sets]]
            values = values + random.normal(0, 0.15, values.shape)
            for number, (patient, row) in enumerate(zip(patients, values.tolist(), strict=True), first):
                age = "" if number % 10 == 0 else int(data.age[patient])
                out.write(f"Lab-{number},{age}," + ",".join([f"{value:.3f}" for value in row]) + "\n")


def _round(file: Path, rows: int, actor: Any, manifest: Any, profile: Path | None) -> tuple[float, float]:
    raw = _raw(file, manifest)
    spent, memory = _end_to_end(file, actor, profile)
    print(
        f"raw limit {rows / raw:,.0f} rows/s; end to end {rows / spent:,.0f} rows/s ({spent:.1f} s), "
        f"{100 * raw / spent:.2f} %; worker's peak {memory:.0f} MB"
    )
    return raw, spent


def _raw(file: Path, manifest: Any) -> float:
    """Seconds to parse the file and multiply it with a vector."""
    import polars as pl  # noqa: PLC0415 - it is not part of what is started before

    names = [name for name, _ in _probe_sets(manifest)]
    weights = np.linspace(-1, 1, len(names))
    start = time.perf_counter()
    frame = pl.read_csv(file)
    (frame.select(names).to_numpy() @ weights).sum()
    return time.perf_counter() - start


def _floor(rows: int) -> float:
    """Seconds to commit rows as large as a prediction and its event, as many at a time as a cohort does."""
    from django.db import connection  # noqa: PLC0415 - Django is set up now

    from predictions.cohort_rows import copy_rows  # noqa: PLC0415 - likewise
    from predictions.cohort_work import AT_ONCE  # noqa: PLC0415 - likewise

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE floor (id uuid PRIMARY KEY, content bytea)")
        cursor.execute(
            "SELECT avg(length(p.sealed) + length(e.body))::int "
            "FROM predictions_prediction p JOIN audit.event e ON e.id = p.event_id"
        )
        (size,) = cursor.fetchone()
    start = time.perf_counter()
    for first in range(0, rows, AT_ONCE):
        made = [(uuid7().bytes, os.urandom(size)) for _ in range(min(AT_ONCE, rows - first))]
        copy_rows("COPY floor FROM STDIN BINARY", made)
    return time.perf_counter() - start


def _end_to_end(file: Path, actor: Any, profile: Path | None) -> tuple[float, float]:
    """Seconds from the first byte taken to the last row committed, and the worker's peak in megabytes."""
    from predictions.cohorts import start_cohort  # noqa: PLC0415 - Django is set up now
    from predictions.intake.measurements import PanelRequest  # noqa: PLC0415 - likewise

    command = [sys.executable, "-m", "benchmarks.cohorts", "--work"]
    command += ["--profile", str(profile)] if profile else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        assert worker.stdout
        before = float(worker.stdout.readline())
        start = time.perf_counter()
        with file.open("rb") as opened:
            cohort = start_cohort(opened, PanelRequest((), "log2_intensity"), actor)
        stored = time.perf_counter() - start
        worker.stdin.write("go\n")
        worker.stdin.flush()
        memory = float(worker.stdout.readline())
        spent = time.perf_counter() - start
    cohort.refresh_from_db()
    assert cohort.state == "finished", cohort.reason
    print(f"the worker had {before:.0f} MB before it began")
    print(f"taken in {stored:.2f} s; {cohort.predicted:,} predicted, {cohort.refused:,} refused")
    return spent, memory


def _work(profile: Path | None) -> None:
    """The worker: as Celery runs it, but that it is told when to begin."""
    import cProfile  # noqa: PLC0415 - only here

    import django  # noqa: PLC0415 - as in Celery

    django.setup()
    from predictions import cohort_work, pickled_forms, releases  # noqa: PLC0415 - Django is set up now

    release = releases.find_release()
    pickled_forms.pickled_form(release)
    releases.portable_form(release)
    print(_peak(), flush=True)
    sys.stdin.readline()
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    while cohort_work.work():
        pass
    if profile:
        profiler.disable()
        profiler.dump_stats(profile)
    print(_peak(), flush=True)


def _peak() -> float:
    """The most memory that this process has had, in megabytes; `ru_maxrss` would count its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _verify(rows: int) -> None:
    from accounts import verification  # noqa: PLC0415 - Django is set up now

    start = time.perf_counter()
    findings = [finding.kind for finding in verification.verify()]
    print(f"verified: {rows / (time.perf_counter() - start):,.0f} predictions/s; findings: {findings[:3]}")


if __name__ == "__main__":
    main()
