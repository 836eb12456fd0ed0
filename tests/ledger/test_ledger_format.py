"""The worked example of docs/ledger-format.md is what the product makes and what the verifier finds sound."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from accounts.event_leaf import event_leaf
from accounts.merkle import Frontier, node_hash
from tests.ledger.hostile_notes import KEY
from tests.ledger.ledgers import Ledger, made_event, sealed
from tests.ledger.script import script

FORMAT = (Path(settings.BASE_DIR) / "docs" / "ledger-format.md").read_text()
EXAMPLE: Ledger = sealed([made_event(number) for number in range(4)], (3,), {})


def leaf_bytes() -> bytes:
    """An event put together by hand, as the document says."""
    event = EXAMPLE.events[1]
    return b"\x00" + event.id.bytes + event.recorded_us.to_bytes(8, "big") + event.mac + event.body


def node() -> bytes:
    return node_hash(EXAMPLE.events[0].leaf, EXAMPLE.events[1].leaf)


def root() -> bytes:
    frontier = Frontier()
    frontier.extend([event.leaf for event in EXAMPLE.events[:3]])
    return frontier.root()


def blocks(language: str) -> list[str]:
    return [part.split("```")[0] for part in FORMAT.split(f"```{language}\n")[1:]]


def test_the_example_has_the_bytes_that_the_product_makes():
    for bytes_of_it in (leaf_bytes(), *(event.leaf for event in EXAMPLE.events[:3]), node(), root()):
        assert bytes_of_it.hex() in FORMAT
    assert KEY.verifier.text in FORMAT
    assert EXAMPLE.notes[3].decode() in FORMAT


def test_the_example_of_a_receipt_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (receipt,) = blocks("json")
    assert json.loads(receipt) == EXAMPLE.receipt(1)
    assert is_sound("receipt", receipt, tmp_path)


def test_the_example_of_an_export_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (export,) = blocks("jsonl")
    assert [json.loads(line) for line in export.splitlines()] == EXAMPLE.complete()
    assert is_sound("export", export, tmp_path)


def is_sound(kind: str, content: str, folder: Path) -> bool:
    path = folder / kind
    path.write_text(content)
    status: int = script.main([kind, str(path), "--key", KEY.verifier.text])
    return status == 0


@pytest.mark.parametrize(
    ("recorded_us", "mac"), [(0, bytes(31)), (0, bytes(33)), (0, b""), (-1, bytes(32)), (2**63, bytes(32))]
)
def test_no_leaf_is_made_of_what_could_be_read_as_another_event(recorded_us: int, mac: bytes):
    with pytest.raises((ValueError, OverflowError)):
        event_leaf(UUID(int=0), recorded_us, mac, b"{}")
