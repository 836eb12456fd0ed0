"""The running product with its releases in S3, and its model key changed while it runs."""

import json
from collections.abc import Iterator

import boto3
import pytest

from breastrisk.embedded.state import StateDirectory
from tests import emulators
from tests.live.test_promises import predict, rows, until, was_read_again
from tests.product import Product, new_place, remove_place

STORE = "s3://models/sealed"
PREFIX = "rotterdam76-ridge/1.0.0"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    place = new_place()
    with (
        emulators.moto(tmp_path_factory.mktemp("moto") / "log") as address,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL_S3": address}).items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="models")
        with Product(place / "state", MODEL_STORE=STORE) as running:
            yield running
    remove_place(place)


@pytest.fixture(scope="module")
def key(product):
    return product.manage("issue_key", "--organisation", "demo").communicate()[0].split()[-1]


def stored(file):
    return boto3.client("s3").get_object(Bucket="models", Key=f"sealed/{PREFIX}/{file}")


def kept_keys(product):
    return json.loads(StateDirectory(product.state).secret("model_keys"))


def make_and_confirm(product, key, count=1):
    answers = [predict(product, key) for _ in range(count)]
    assert {response.status for response, _body in answers} == {201}
    made = [json.loads(body)["id"] for _response, body in answers]
    return until(lambda: all(was_read_again(product, prediction) for prediction in made), 60)


def test_a_first_start_brings_its_release_into_the_store(product, key):
    found = boto3.client("s3").list_objects_v2(Bucket="models")["Contents"]
    assert sorted(item["Key"] for item in found) == [
        f"sealed/{PREFIX}/{file}"
        for file in ("manifest.json", "model.joblib.sealed", "model.onnx.sealed", "seal.json")
    ]
    assert stored("seal.json")["ServerSideEncryption"] == "AES256"
    assert not (product.state / "first-release-draft").exists()
    assert make_and_confirm(product, key)


def test_the_model_key_is_rotated_while_it_answers(product, key):
    seal, old = stored("seal.json")["Body"].read(), kept_keys(product)
    assert "A new key is kept in front" in product.manage("rotate_model_key").communicate()[0]
    assert stored("seal.json")["Body"].read() == seal
    assert product.stop() == 0
    with Product(product.state, MODEL_STORE=STORE) as again:
        rehearsal = again.manage("rotate_model_key", "--dry-run").communicate()[0]
        assert "rotterdam76-ridge 1.0.0: would be rewrapped" in rehearsal
        assert stored("seal.json")["Body"].read() == seal
        told = again.manage("rotate_model_key").communicate()[0]
        assert "rotterdam76-ridge 1.0.0: rewrapped" in told
        assert stored("seal.json")["Body"].read() != seal
        # Enough for both web processes to open the release, with the keys that they started with.
        assert make_and_confirm(again, key, count=5)
    new = kept_keys(product)
    assert {name for name in old if old[name] != new[name]} == {"MODEL_ENCRYPTION_KEY"}
    with Product(product.state, MODEL_STORE=STORE) as again:
        assert make_and_confirm(again, key)
        actions = [row[0] for row in rows(again, "SELECT action FROM audit.event ORDER BY id")]
    assert [action for action in actions if action.startswith("release.")] == [
        "release.registered",
        "release.activated",
        "release.rewrapped",
    ]
