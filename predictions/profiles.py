"""Platform profiles: learned from reference samples, kept as versions, found again for each sample."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from accounts import ledger
from accounts.actors import Actor
from accounts.models import Event, Membership, Organisation, Role
from ml_models.consecutive_cases import look_consecutive, receptor_variance
from ml_models.manifest import Manifest
from ml_models.platform_profiles import LearnedScale, learn_scale
from ml_models.units import detect_unit, looks_of
from predictions import events, releases
from predictions.exceptions import PanelRefused, Problem, ReleaseUnavailable
from predictions.intake.conversions import convert, out_of_scale, problem_of_scale, way
from predictions.intake.identifiers import match_names
from predictions.intake.scales import Profile
from predictions.intake.units import contradicted, contradiction, declared_problem
from predictions.models import Release
from predictions.profile_records import PlatformProfile
from predictions.sentences import counted, sentence

FEWEST_SAMPLES = 20
ADVISED_SAMPLES = 40
MOST_SAMPLES = 2_000
LONGEST_PLATFORM = 64
LEARNING_ROLES = (Role.LAB, Role.ADMIN)
# The scale on which a profile is learned, for what is declared on another.
LOGGED = {
    "intensity": "log2_intensity",
    "tpm": "log2_tpm",
    "fpkm": "log2_fpkm",
    "raw_counts": "log2_cpm",
}
VALUES_POINTER = "/samples"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """Reference samples as a door received them: values (samples, identifiers), NaN where not measured.

    `totals` (samples,) are the sums over all genes of each, where all of them are known.
    """

    platform: str
    unit: str
    identifiers: tuple[str, ...]
    values: Floats
    accept_former_symbols: bool = False
    problems: tuple[Problem, ...] = ()
    totals: Floats | None = None


def may_learn(actor: Actor) -> bool:
    """Whether a person may upload a profile: it changes what everybody of the organisation is answered."""
    roles = Membership.objects.filter(person=actor.person, organisation=actor.organisation)
    return roles.filter(role__in=LEARNING_ROLES).exists()


def profiles_of(actor: Actor) -> QuerySet[PlatformProfile]:
    """All versions of all profiles of the actor's organisation, newest first."""
    return PlatformProfile.objects.filter(organisation=actor.organisation).select_related(
        "release", "event", "person", "api_key"
    )


def find_profile(organisation_id: UUID, manifest: Manifest, platform: str | None) -> Profile | None:
    """The newest version of an organisation's profile of a platform for a release, if there is one.

    Raises
    ------
    ReleaseUnavailable
        When it is not what was put on record.
    """
    if not platform or platform == manifest.platform:
        return None
    versions = PlatformProfile.objects.filter(
        organisation=organisation_id, release__sha256=manifest.sha256, platform=platform[:LONGEST_PLATFORM]
    )
    newest = versions.order_by("-version").first() if platform.isprintable() else None
    return as_profile(newest) if newest else None


def platforms_of(actor: Actor) -> list[str]:
    """The platforms that an organisation has profiles of for the live release; none while there is none."""
    with suppress(ReleaseUnavailable):
        found = profiles_of(actor).filter(release=releases.find_release())
        return sorted(set(found.values_list("platform", flat=True)))
    return []


def as_profile(record: PlatformProfile) -> Profile:
    """What a sample is mapped by.

    Raises
    ------
    ReleaseUnavailable
        When it is not what was put on record.
    """
    if record.digest != record.sha256:
        raise ReleaseUnavailable(f"The profile {record.id} is not what was learned.")
    genes = {symbol: (float(location), float(scale)) for symbol, (location, scale) in record.genes.items()}
    return Profile(
        id=str(record.id),
        platform=record.platform,
        version=record.version,
        unit=record.unit,
        samples=record.samples,
        looks_consecutive=record.looks_consecutive,
        sha256=record.sha256,
        genes=genes,
    )


def learn_profile(reference: Reference, actor: Actor) -> PlatformProfile:
    """Learn a profile for the live release and put it on record as the platform's next version.

    Raises
    ------
    PanelRefused
        With everything that is wrong with the samples; the refusal is on record, no value of them is.
    ReleaseUnavailable
    """
    release = releases.find_release()
    manifest = releases.manifest_of(release)
    try:
        values = _read(reference, manifest)
        learned = learn_scale(values)
        _refuse(list(_check_learned(learned, manifest)))
    except PanelRefused as refusal:
        record_refusal(refusal, actor)
        raise
    learned_id = _record(reference, values, learned, release, manifest, actor)
    return profiles_of(actor).get(id=learned_id)


def record_refusal(refusal: PanelRefused, actor: Actor) -> None:
    """Put on record that reference samples were refused and why."""
    codes = [problem.code for problem in refusal.problems]
    ledger.record(
        events.PROFILE_REFUSED, actor, problems={code: codes.count(code) for code in sorted(set(codes))}
    )


def _read(reference: Reference, manifest: Manifest) -> Floats:
    """Values (samples, genes) on the scale of the profile, everything checked."""
    matched = match_names(
        reference.identifiers, manifest.genes, accept_former=reference.accept_former_symbols
    )
    values = matched.values(reference.values, manifest.symbols)
    unit = LOGGED.get(reference.unit, reference.unit)
    has_totals = reference.totals is not None
    wrong_unit = declared_problem(reference.unit, unit, "/unit", has_totals=has_totals)
    steps = way(reference.unit, unit, has_totals=has_totals) or ()
    _refuse(
        [
            *reference.problems,
            *_check_platform(reference.platform, manifest),
            *_check_count(len(values)),
            *matched.problems,
            *([wrong_unit] if wrong_unit else _check_values(reference.unit, values, steps, manifest)),
        ]
    )
    return convert(values, steps, reference.totals)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise PanelRefused(problems)


def _check_platform(platform: str, manifest: Manifest) -> Iterator[Problem]:
    if not platform or len(platform) > LONGEST_PLATFORM or not platform.isprintable():
        yield Problem(
            "platform_unreadable",
            sentence("A platform has a name of 1 to {most} printable characters.", most=LONGEST_PLATFORM),
            sentence("Name the assay and the laboratory's version of it."),
            "/platform",
            value=ascii(platform)[1:-1][:80],
        )
    elif platform == manifest.platform:
        yield Problem(
            "platform_needs_no_profile",
            sentence("The model learned from {platform} itself.", platform=platform),
            sentence("Give another name if your laboratory normalises in another way."),
            "/platform",
            value=platform,
        )


def _check_count(count: int) -> Iterator[Problem]:
    if not FEWEST_SAMPLES <= count <= MOST_SAMPLES:
        yield Problem(
            "reference_samples_count",
            counted(
                "There is {count} sample; a profile is learned from {fewest} to {most}.",
                "There are {count} samples; a profile is learned from {fewest} to {most}.",
                count=count,
                fewest=FEWEST_SAMPLES,
                most=MOST_SAMPLES,
            ),
            sentence("Send consecutive cases of the platform, {advised} or more.", advised=ADVISED_SAMPLES),
            VALUES_POINTER,
        )


def _check_values(
    declared: str, values: Floats, steps: Sequence[str], manifest: Manifest
) -> Iterator[Problem]:
    wrong = np.flatnonzero(contradicted(declared, looks_of(values)) & np.isfinite(values).any(axis=1))
    if len(wrong):
        first = values[wrong[0]]
        yield contradiction(declared, detect_unit(first[np.isfinite(first)].tolist()), "/unit")
    impossible = out_of_scale(values, steps).any(axis=0)
    if impossible.any():
        symbols = [manifest.symbols[index] for index in np.flatnonzero(impossible)]
        yield problem_of_scale(symbols, steps, VALUES_POINTER)


def _check_learned(learned: LearnedScale, manifest: Manifest) -> Iterator[Problem]:
    if (kept := int(learned.kept.sum())) < FEWEST_SAMPLES:
        yield Problem(
            "reference_samples_failed",
            sentence(
                "{failed} of the samples are far from all others in most genes, which leaves {kept}; "
                "{fewest} are needed.",
                failed=len(learned.kept) - kept,
                kept=kept,
                fewest=FEWEST_SAMPLES,
            ),
            sentence("Leave out samples that failed, and send more consecutive cases."),
            VALUES_POINTER,
        )
    told = np.isfinite(learned.scale)
    if told.mean() < manifest.missing.refuse_below:
        missing = [symbol for symbol, is_told in zip(manifest.symbols, told, strict=True) if not is_told]
        yield Problem(
            "too_few_genes",
            sentence(
                "{told} of the {total} genes of the panel can be told on this platform; at least {needed} % "
                "are needed. Missing, or the same value in half of the samples: {missing}.",
                told=int(told.sum()),
                total=len(told),
                needed=round(100 * manifest.missing.refuse_below),
                missing=", ".join(missing),
            ),
            sentence("Check the identifiers, or ask the lab for the whole panel."),
            VALUES_POINTER,
        )


@transaction.atomic
def _record(
    reference: Reference,
    values: Floats,
    learned: LearnedScale,
    release: Release,
    manifest: Manifest,
    actor: Actor,
) -> UUID:
    # One upload at a time for an organisation, so that two do not take the same version.
    Organisation.objects.select_for_update(no_key=True).get(id=actor.organisation.id)
    before = PlatformProfile.objects.filter(
        organisation=actor.organisation, release=release, platform=reference.platform
    )
    profile = PlatformProfile(
        id=uuid7(),
        organisation=actor.organisation,
        release=release,
        platform=reference.platform,
        version=before.count() + 1,
        unit=LOGGED.get(reference.unit, reference.unit),
        samples=int(learned.kept.sum()),
        left_out=int((~learned.kept).sum()),
        genes=_genes(learned, manifest),
        person=actor.person,
        api_key=actor.api_key,
    )
    variance = receptor_variance(values[learned.kept], learned.location, learned.scale, manifest)
    profile.receptor_variance = variance
    profile.looks_consecutive = None if variance is None else look_consecutive(variance, profile.samples)
    profile.sha256 = profile.digest
    entry = ledger.record(
        events.PROFILE_LEARNED,
        actor,
        profile=profile.id,
        platform=profile.platform,
        version=profile.version,
        unit=profile.unit,
        samples=profile.samples,
        profile_sha256=profile.sha256,
        release=str(release),
        release_sha256=release.sha256,
    )
    profile.event = Event(id=entry.id, leaf=entry.leaf)
    profile.save(force_insert=True)
    return profile.id


def _genes(learned: LearnedScale, manifest: Manifest) -> dict[str, list[float]]:
    rows = zip(manifest.symbols, learned.location.tolist(), learned.scale.tolist(), strict=True)
    return {symbol: [location, scale] for symbol, location, scale in rows if np.isfinite(scale)}
