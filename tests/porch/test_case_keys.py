"""The keys that wrap the keys of cases are read whole or refused, and a kept one gets a successor."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.case_keys import data_key, lock_key
from accounts.models import CaseKey
from breastrisk import case_keys
from breastrisk.embedded.state import StateDirectory
from breastrisk.environment import WrongSetting

FIRST, SECOND = case_keys.make_entry("one"), case_keys.make_entry("two")


@pytest.fixture
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("BREASTRISK_STATE", str(tmp_path / "state"))
    return StateDirectory.default()


@pytest.mark.parametrize("between", [",", ", ", "\n"])
def test_the_first_entry_is_the_one_that_wraps(between):
    assert [*case_keys.parse(f"{FIRST}{between}{SECOND}\n")] == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one",
        "one:",
        "one:AAAA",
        f"{FIRST},",
        f"{FIRST},{FIRST}",
        f"{FIRST},two{FIRST[3:]}",
        "One" + FIRST[3:],
    ],
)
def test_anything_else_is_refused_without_being_repeated(text):
    with pytest.raises(WrongSetting, match="openssl rand") as caught:
        case_keys.parse(text)
    assert FIRST[4:] not in str(caught.value)


@pytest.mark.django_db
def test_a_kept_key_is_rotated_in_two_runs_with_a_restart_between(state, settings, clinic):
    settings.CASE_KEYS = case_keys.read(state)
    kept = data_key(lock_key(clinic.id, "digest"))
    assert "Restart" in run()
    settings.CASE_KEYS = case_keys.read(state)
    assert [*settings.CASE_KEYS] == ["2", "1"]
    assert "Every case opens with key 2 alone" in run()
    settings.CASE_KEYS = {"2": settings.CASE_KEYS["2"]}
    assert data_key(CaseKey.objects.get()) == kept


@pytest.mark.django_db
def test_one_given_key_cannot_be_rotated_and_a_lost_one_is_named(monkeypatch, settings, clinic):
    monkeypatch.setenv("CASE_KEYS", FIRST)
    settings.CASE_KEYS = case_keys.parse(FIRST)
    with pytest.raises(CommandError, match="Put a new entry in front"):
        run()
    lock_key(clinic.id, None)
    settings.CASE_KEYS = case_keys.parse(f"{SECOND},{case_keys.make_entry('three')}")
    with pytest.raises(CommandError, match="1 keys are not wrapped by two"):
        run()


def run():
    output = io.StringIO()
    call_command("rotate_case_keys", stdout=output)
    return output.getvalue()
