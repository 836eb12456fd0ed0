"""Systems read which releases there are, and the card of each, as data or as Markdown."""

import pytest
from django.test import Client

from accounts.keys import issue_key
from predictions import lifecycle
from predictions.model_card.limits import limits_of
from predictions.models import Release

pytestmark = pytest.mark.django_db

CARD = "/api/v1/models/rotterdam76-ridge/1.0.0/card"


@pytest.fixture
def get(key):
    def send(path=CARD, **headers):
        given = {"Authorization": f"Api-Key {key}", **headers}
        return Client(raise_request_exception=False).get(path, headers=given)

    return send


def test_the_list_leads_to_the_card_of_every_release(release, get):
    [listed] = get("/api/v1/models").json()["models"]
    assert (listed["name"], listed["version"], listed["state"]) == (release.name, release.version, "live")
    assert listed["sha256"] == release.sha256
    assert get(listed["card"]).json()["model"] == listed


def test_the_card_holds_the_manifest_as_it_was_signed(release, get, manifest):
    card = get().json()
    signed = manifest.model_dump(mode="json")
    del signed["correlation"]
    assert card["manifest"] == signed
    assert card["limits"] == list(limits_of(manifest))
    assert {measure["key"] for measure in card["measures"]} == set(signed["performance"]["with_age"])


def test_markdown_is_served_to_whom_asks_for_it(release, get):
    response = get(Accept="text/markdown")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.content.decode().startswith("# Model card: rotterdam76-ridge 1.0.0\n")


def test_another_form_is_a_406(release, get):
    response = get(Accept="application/pdf")
    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")


def test_a_quarantined_release_keeps_its_card(release, get):
    lifecycle.quarantine(release, "for a test")
    assert get().json()["model"]["state"] == "quarantined"


@pytest.mark.parametrize("path", ["/api/v1/models", CARD])
def test_a_key_without_the_scope_is_refused(release, clinic, path):
    _, writer = issue_key(clinic, "Writer", ["predict"])
    response = Client().get(path, headers={"Authorization": f"Api-Key {writer}"})
    assert response.status_code == 403
    assert "'read'" in response.json()["detail"]
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize("name", ["other/1.0.0", "rotterdam76-ridge/9.9.9", "a%00b/1.0.0", "%3Cb%3E/1.0.0"])
@pytest.mark.parametrize("accept", ["application/json", "text/markdown"])
def test_a_release_that_is_not_on_record_is_a_404_problem(release, get, name, accept):
    response = get(f"/api/v1/models/{name}/card", Accept=accept)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["detail"] == "There is no such release of the model."


def test_a_manifest_that_cannot_be_read_is_a_503_problem(release, get):
    Release.objects.create(name=release.name, version="9.0.0", sha256="0" * 64)
    response = get(CARD.replace("1.0.0", "9.0.0"))
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert response["Retry-After"] == "5"
