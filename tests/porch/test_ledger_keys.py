"""Which key signs checkpoints is told, or made once; renewing it keeps what verifies the former ones."""

import pytest
from django.utils import timezone

from accounts.signed_notes import SigningKey, VerifierKey, chained, open_note, sign
from breastrisk import ledger_keys
from breastrisk.embedded.state import StateDirectory
from breastrisk.environment import MissingSetting, WrongSetting

KEY, NEWER, STRANGER = (SigningKey.generate(name) for name in ("risk.example", "risk.example", "another"))


@pytest.fixture
def given(monkeypatch):
    def give(signing="", *public):
        monkeypatch.setenv("LEDGER_SIGNING_KEY", signing)
        monkeypatch.setenv("LEDGER_PUBLIC_KEYS", ",".join(public))

    return give


def test_keys_are_made_once_and_kept(tmp_path):
    state = StateDirectory(tmp_path / "state")
    keys = ledger_keys.read(state)
    assert ledger_keys.read(state) == keys
    assert SigningKey.from_text(keys.signing).verifier.text == keys.public[0]


def test_a_renewed_key_signs_under_the_same_name_and_the_former_still_verifies(tmp_path):
    state = StateDirectory(tmp_path / "state")
    former = ledger_keys.read(state)
    ledger_keys.keep(state, former.renewed())
    keys = ledger_keys.read(state)
    assert keys.public[1:] == former.public
    assert keys.signing != former.signing
    known = [VerifierKey.from_text(text) for text in keys.public]
    for text in (former.signing, keys.signing):
        key = SigningKey.from_text(text)
        assert open_note(sign(chained(key.name, 1, bytes(32), b"", timezone.now()), key), known).size == 1


def test_given_keys_are_taken_while_one_is_replaced_by_another(given, tmp_path):
    state = StateDirectory(tmp_path)
    given(KEY.text, NEWER.verifier.text, KEY.verifier.text)
    assert ledger_keys.read(state).signing == KEY.text
    given("", KEY.verifier.text)
    assert ledger_keys.read(state).signing == ""


@pytest.mark.parametrize(
    ("signing", "public", "told"),
    [
        (KEY.text, [NEWER.verifier.text], "lacks the public half"),
        ("", [KEY.verifier.text, STRANGER.verifier.text], "of one name"),
        ("", [KEY.verifier.text[:-2]], "LEDGER_PUBLIC_KEYS"),
        (KEY.verifier.text, [KEY.verifier.text], "LEDGER_SIGNING_KEY"),
        ("", [KEY.text], "LEDGER_PUBLIC_KEYS"),
    ],
)
def test_keys_that_do_not_belong_together_are_named_and_not_repeated(given, tmp_path, signing, public, told):
    given(signing, *public)
    with pytest.raises(WrongSetting, match=told) as refusal:
        ledger_keys.read(StateDirectory(tmp_path))
    assert KEY.text.split("+", 4)[-1] not in str(refusal.value)


def test_in_production_the_public_keys_have_to_be_given(monkeypatch, tmp_path):
    monkeypatch.setenv("PRODUCTION", "1")
    with pytest.raises(MissingSetting, match="LEDGER_PUBLIC_KEYS"):
        ledger_keys.read(StateDirectory(tmp_path))
