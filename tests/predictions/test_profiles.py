"""A laboratory's own platform: learned from reference samples, kept as versions, used one by one."""

import io
import json
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.keys import issue_key
from accounts.models import Event
from predictions import cohort_work, lifecycle, profiles
from predictions.cohort_records import Cohort
from predictions.exceptions import PanelRefused, ReleaseUnavailable
from predictions.facts import facts_of
from predictions.models import Prediction
from predictions.profile_records import PlatformProfile
from predictions.profiles import Reference, learn_profile, platforms_of
from predictions.replay import replay
from predictions.rereading import panel_for_another
from tests.panels import as_body, as_text, transbig, values_of

pytestmark = pytest.mark.django_db

PLATFORM = "our-rnaseq"
COHORT = transbig().values
SYMBOLS = tuple(gene.symbol for gene in transbig().panel)


def foreign(values: Any) -> Any:
    """TPM, as a sequencer might have measured it: each gene on a scale of its own."""
    random = np.random.default_rng(5)
    return 2 ** (2 + random.uniform(0.5, 1.5, 69) * values + random.normal(0, 1, 69))


def reference(patients=range(40), **changed: Any) -> Reference:
    given = {
        "platform": PLATFORM,
        "unit": "tpm",
        "identifiers": SYMBOLS,
        "values": foreign(COHORT[list(patients)]),
    }
    return Reference(**{**given, **changed})


def sample(patient: int) -> dict[str, float]:
    return dict(zip(SYMBOLS, foreign(COHORT[patient]).tolist(), strict=True))


def body_of(patient: int, **changed: Any) -> str:
    body = as_body(sample(patient))
    body["expression"]["unit"] = "tpm"
    return json.dumps({**body, "sample": {"platform": PLATFORM}, **changed})


def refused(actor, **changed: Any) -> list[str]:
    with pytest.raises(PanelRefused) as caught:
        learn_profile(reference(**changed), actor)
    return [problem.code for problem in caught.value.problems]


def as_csv(patients: Any, symbols=SYMBOLS) -> io.BytesIO:
    rows = [",".join(["sample", *symbols])]
    rows += [",".join([f"S{p}", *map(str, foreign(COHORT[p]))]) for p in patients]
    file = io.BytesIO("\n".join(rows).encode())
    file.name = "reference.csv"
    return file


@pytest.fixture
def profile(release, alice_acting):
    return learn_profile(reference(), alice_acting)


def test_without_a_profile_another_platform_is_refused_and_with_one_it_is_answered(
    release, post, alice_acting
):
    answer = post(body_of(60))
    assert answer.status_code == 422
    codes = {problem["code"] for problem in answer.json()["errors"]}
    assert codes == {"unit_not_supported", "platform_not_supported"}

    profile = learn_profile(reference(), alice_acting)
    answer = post(body_of(60))
    assert answer.status_code == 201
    facts = answer.json()
    assert facts["sample"]["platform"] == PLATFORM
    assert facts["input"]["profile"]["id"] == str(profile.id)
    assert facts["input"]["profile"]["version"] == 1
    steps = [step["code"] for step in facts["input"]["transformations"]]
    assert steps == ["converted_log2_plus_1", "profile_mapped"]
    assert facts["warnings"][0]["code"] == "profile_used"
    own = post(json.dumps(as_body(values_of(60)))).json()
    risks = [point["result"]["horizons"][0]["risk_percent"] for point in (facts, own)]
    assert abs(risks[0] - risks[1]) < 10


def test_the_page_and_the_report_name_the_profile(release, profile, post, alice, browser_of):
    prediction = post(body_of(61)).json()["id"]
    page = browser_of(alice).get(reverse("prediction", args=[prediction])).content.decode()
    for told in (PLATFORM, str(profile.id), profile.sha256, "version 1"):
        assert told in page


def test_a_version_keeps_its_results_and_the_next_one_takes_over(release, profile, post, alice_acting):
    first = post(body_of(61)).json()
    later = learn_profile(reference(range(50, 90)), alice_acting)
    assert (profile.version, later.version) == (1, 2)
    assert post(body_of(61)).json()["input"]["profile"]["version"] == 2
    prediction = Prediction.objects.get(id=first["id"])
    assert facts_of(prediction)["input"]["profile"]["version"] == 1
    assert not replay(prediction)


def test_a_sample_is_answered_the_same_whoever_was_answered_before(release, profile, post):
    alone = post(body_of(70)).json()
    for other in (71, 72):
        post(body_of(other))
    again = post(body_of(70)).json()
    assert again["result"] == alone["result"]
    assert again["input"]["sha256"] == alone["input"]["sha256"]


def test_another_release_has_no_profile_and_says_so(release, profile, post, candidate_manifest):
    prediction = Prediction.objects.get(id=post(body_of(61)).json()["id"])
    with pytest.raises(PanelRefused, match="platform_not_supported"):
        panel_for_another(prediction, candidate_manifest)


def test_another_organisation_neither_uses_nor_sees_a_profile(
    release, profile, other_hospital, browser_of, charlie
):
    key = issue_key(other_hospital, "Theirs", ["predict", "read"])[1]
    headers = {"Authorization": f"Api-Key {key}"}
    client = Client()
    sent = client.post("/api/v1/predict", body_of(60), content_type="application/json", headers=headers)
    assert sent.status_code == 422
    assert client.get(f"/api/v1/profiles/{profile.id}", headers=headers).status_code == 404
    assert client.get("/api/v1/profiles", headers=headers).json() == {"profiles": []}
    assert browser_of(charlie).get(reverse("profile", args=[profile.id])).status_code == 404


def test_nothing_of_a_single_sample_is_kept_and_the_event_says_who_learned_what(release, profile, alice):
    event = json.loads(bytes(Event.objects.get(id=profile.event_id).body))
    assert (event["action"], event["person"]) == ("profile.learned", str(alice.id))
    assert (event["profile_sha256"], event["samples"]) == (profile.sha256, 40)
    kept = json.dumps(profile.genes)
    assert not any(repr(value) in kept for value in np.log2(foreign(COHORT[:40]) + 1).ravel().tolist())


def test_a_profile_that_is_not_what_was_learned_answers_nobody(release, profile, alice_acting, manifest):
    profile.genes["IL18"] = [0.0, 1.0]
    with pytest.raises(ReleaseUnavailable):
        profiles.as_profile(profile)


def test_too_few_samples_are_refused_by_number_and_the_refusal_is_on_record(release, alice_acting):
    assert refused(alice_acting, patients=range(19)) == ["reference_samples_count"]
    assert not PlatformProfile.objects.exists()
    event = json.loads(bytes(Event.objects.latest("id").body))
    assert event["problems"] == {"reference_samples_count": 1}


def test_everything_wrong_with_reference_samples_is_told_at_once(release, alice_acting):
    codes = refused(alice_acting, patients=range(5), platform="affymetrix-hgu133a", unit="log2_tpm")
    assert codes == ["platform_needs_no_profile", "reference_samples_count", "unit_contradicted"]
    assert refused(alice_acting, platform="", unit="raw_counts") == [
        "platform_unreadable",
        "totals_unknown",
    ]
    assert refused(alice_acting, unit="furlong") == ["unit_unknown"]
    assert refused(alice_acting, values=-foreign(COHORT[:20])) == ["unit_contradicted", "value_out_of_scale"]


def test_samples_that_are_all_alike_teach_nothing(release, alice_acting):
    assert refused(alice_acting, values=foreign(COHORT[[0] * 20])) == ["too_few_genes"]


def test_samples_that_failed_are_left_out_and_counted(release, alice_acting):
    values = foreign(COHORT[:40])
    values[:3] /= 16
    learned = learn_profile(reference(values=values), alice_acting)
    assert (learned.samples, learned.left_out) == (37, 3)


def test_a_batch_of_one_receptor_state_is_told_from_consecutive_cases(release, alice_acting):
    positive = np.flatnonzero(transbig().subgroups["oestrogen receptor positive"])
    negative = np.flatnonzero(transbig().subgroups["oestrogen receptor negative"])
    assert learn_profile(reference(range(60)), alice_acting).looks_consecutive is True
    assert learn_profile(reference(positive[:60]), alice_acting).looks_consecutive is False
    assert learn_profile(reference(negative[:60]), alice_acting).looks_consecutive is False


def test_a_system_with_the_scope_uploads_reads_and_lists_profiles(release, clinic):
    headers = {"Authorization": f"Api-Key {issue_key(clinic, 'Lab', ['profile', 'read'])[1]}"}
    samples = [sample(patient) for patient in range(20)]
    body = {"platform": PLATFORM, "unit": "tpm", "samples": samples}
    sent = Client().post(
        "/api/v1/profiles", json.dumps(body), content_type="application/json", headers=headers
    )
    assert sent.status_code == 201
    learned = sent.json()
    assert learned["genes_learned"] == len(learned["genes"]) == 69
    assert Client().get(sent.headers["Location"], headers=headers).json() == learned
    (listed,) = Client().get("/api/v1/profiles", headers=headers).json()["profiles"]
    assert listed == {name: value for name, value in learned.items() if name != "genes"}


def test_a_key_without_the_scope_uploads_nothing(release, key):
    headers = {"Authorization": f"Api-Key {key}"}
    sent = Client().post("/api/v1/profiles", "{}", content_type="application/json", headers=headers)
    assert sent.status_code == 403


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"platform": 1, "unit": "tpm", "samples": []}'])
def test_a_body_of_another_shape_is_refused(release, clinic, body):
    headers = {"Authorization": f"Api-Key {issue_key(clinic, 'Lab', ['profile'])[1]}"}
    sent = Client().post("/api/v1/profiles", body, content_type="application/json", headers=headers)
    assert sent.status_code in {400, 415, 422}


def test_an_administrator_uploads_a_file_and_is_led_to_the_profile(release, adam, browser_of):
    given = {"platform": PLATFORM, "unit": "tpm", "file": as_csv(range(30))}
    sent = browser_of(adam).post(reverse("new_profile"), given, follow=True)
    page = sent.content.decode()
    assert sent.status_code == 200
    assert "our-rnaseq, version 1" in page
    assert "IL18" in page
    assert PLATFORM in browser_of(adam).get(reverse("profiles")).content.decode()


def test_the_form_offers_the_platforms_that_have_a_profile(release, alice, browser_of, alice_acting):
    form = reverse("new_prediction")
    assert "id_platform" not in browser_of(alice).get(form).content.decode()
    learn_profile(reference(), alice_acting)
    assert PLATFORM in browser_of(alice).get(form).content.decode()
    given = {"pasted": as_text(sample(60)), "unit": "tpm", "platform": PLATFORM}
    page = browser_of(alice).post(form, given, follow=True)
    assert page.status_code == 200
    assert PLATFORM in page.content.decode()


@pytest.mark.parametrize("form", ["new_prediction", "cohorts"])
def test_a_file_of_many_samples_is_mapped_by_the_profile_that_either_form_offers(
    release, profile, alice, browser_of, form
):
    browser = browser_of(alice)
    assert PLATFORM in browser.get(reverse(form)).content.decode()
    given = {"pasted": "", "unit": "tpm", "platform": PLATFORM, "file": as_csv(range(60, 64))}
    assert browser.post(reverse(form), given).status_code == 302
    cohort_work.work()
    cohort = Cohort.objects.get()
    assert (cohort.options["platform"], cohort.options["profile"]) == (PLATFORM, str(profile.id))
    assert (cohort.state, cohort.predicted) == ("finished", 4)
    panel = Prediction.objects.filter(cohort=cohort)[0].panel
    assert panel["profile"]["platform"] == PLATFORM


def test_refused_samples_are_read_again_as_the_platform_that_they_were_sent_as_or_not_at_all(
    release, profile, alice, alice_acting, browser_of
):
    browser = browser_of(alice)
    broken = io.BytesIO(as_csv(range(60, 63)).read().replace(b"\nS61,", b"\nS61,six,", 1))
    given = {"unit": "tpm", "platform": PLATFORM, "file": broken}
    address = browser.post(reverse("cohorts"), given)["Location"]
    cohort_work.work()
    form = browser.get(address).context["form"]
    assert form["platform"].value() == PLATFORM
    assert PLATFORM in str(form["platform"])
    sent = browser.post(f"{address}again/", {"unit": "tpm", "platform": form["platform"].value()})
    assert sent.status_code == 302
    assert Cohort.objects.get(again_of__isnull=False).options["profile"] == str(profile.id)
    lifecycle.quarantine(release, "a test")
    assert platforms_of(alice_acting) == []
    assert f'value="{PLATFORM}" selected' in str(browser.get(address).context["form"]["platform"])


@pytest.mark.parametrize("form", ["new_prediction", "cohorts"])
def test_a_platform_that_was_not_offered_is_refused_and_never_read_as_the_model_s(
    release, alice, browser_of, form
):
    file = io.BytesIO(as_csv(range(60, 64)).read())
    sent = browser_of(alice).post(
        reverse(form), {"pasted": "", "unit": "log2_intensity", "platform": "theirs", "file": file}
    )
    assert sent.status_code == 422
    assert not Cohort.objects.exists()


def test_a_file_that_cannot_be_read_is_refused_with_its_rows(release, adam, browser_of):
    file = as_csv(range(30))
    broken = io.BytesIO(file.read().replace(b"\nS3,", b"\nS3,six,", 1))
    sent = browser_of(adam).post(
        reverse("new_profile"), {"platform": PLATFORM, "unit": "tpm", "file": broken}
    )
    assert sent.status_code == 422
    assert "No profile was learned" in sent.content.decode()
    assert browser_of(adam).post(reverse("new_profile"), {}).status_code == 422


def test_a_clinician_looks_at_profiles_and_uploads_none(release, profile, alice, browser_of):
    browser = browser_of(alice)
    assert browser.get(reverse("profile", args=[profile.id])).status_code == 200
    assert "Upload" not in browser.get(reverse("profiles")).content.decode()
    assert browser.get(reverse("new_profile")).status_code == 403
