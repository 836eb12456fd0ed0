"""What the environment says is taken as it is, or named as wrong before anything starts."""

import os
import subprocess
import sys
from importlib import import_module

import pytest
from django.utils.module_loading import import_string

from breastrisk import environment

PRODUCTION = {
    "PRODUCTION": "1",
    "DJANGO_SETTINGS_MODULE": "breastrisk.settings",
    "SECRET_KEY": "yTnYwbBqgVdJrLm2Xc9Kf4Hs7Pz1Qa8Wu3Ee6Rt5Oi0NvDjMkUaZ",
    "LEDGER_KEY": "Zk3mPq8Rw1Xv6Bt9Lc4Yd7Hf2Js5Gn0AaUeIoQhTxSyVzCrWpD",
    "LEDGER_PUBLIC_KEYS": "risk.example+b4cb2992+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "CASE_KEYS": f"a:{43 * 'A'}=",
    "MODEL_ENCRYPTION_KEY": "k",
    "MODEL_PUBLIC_KEYS": "k",
    "ALLOWED_HOSTS": "risk.example",
}
ASK = """
import django
django.setup()
from django.urls import NoReverseMatch, reverse
from django.conf import settings
try:
    print(reverse("account_reset_password"), settings.EMAIL_BACKEND, settings.EMAIL_PORT)
except NoReverseMatch:
    print("no reset", settings.EMAIL_BACKEND)
"""


def start_with(**variables):
    """What a process prints that starts in production with these variables."""
    finished = subprocess.run(
        [sys.executable, "-c", ASK],
        env={"PATH": os.environ["PATH"], **PRODUCTION, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.stdout + finished.stderr


def test_in_production_nobody_asks_for_a_mail_that_nothing_sends():
    assert start_with() == "no reset django.core.mail.backends.dummy.EmailBackend\n"


def test_in_production_a_mail_server_has_to_be_told_whole():
    assert "DEFAULT_FROM_EMAIL" in start_with(EMAIL_HOST="mail.example")
    given = {"EMAIL_HOST": "mail.example", "DEFAULT_FROM_EMAIL": "risk@clinic.example"}
    expected = "/accounts/password/reset/ django.core.mail.backends.smtp.EmailBackend"
    assert start_with(**given) == f"{expected} 587\n"
    assert start_with(**given, EMAIL_SECURITY="tls") == f"{expected} 465\n"
    assert "EMAIL_SECURITY has to be one of" in start_with(**given, EMAIL_SECURITY="ssl")


def test_a_password_is_kept_as_argon2_whatever_the_tests_take():
    first = import_module("breastrisk.settings").PASSWORD_HASHERS[0]
    assert import_string(first)().encode("correct horse battery", "salt" * 4).startswith("argon2$argon2id$")


@pytest.mark.parametrize("text", ["-1", "1.5", "one", "\u0661", ""])
def test_a_count_that_is_none_is_named(monkeypatch, text):
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    with pytest.raises(environment.WrongSetting, match="TRUSTED_PROXIES"):
        environment.read_count("TRUSTED_PROXIES", 0)


def deploy_check(**variables):
    finished = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={"PATH": os.environ["PATH"], **PRODUCTION, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_the_check_before_a_deployment_has_nothing_to_say_in_production():
    assert deploy_check() == (0, "System check identified no issues (1 silenced).\n")


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("short", "fewer than 32 characters"),
        ("ab" * 30, "fewer than 8 different characters"),
        ("django-insecure-0123456789abcdefghijklmnop", "looks like one of an example"),
        (PRODUCTION["LEDGER_KEY"], "it is the SECRET_KEY too"),
    ],
)
def test_a_secret_that_can_be_guessed_starts_nothing(secret, fault):
    status, said = deploy_check(SECRET_KEY=secret)
    assert status == 1
    assert fault in said


def test_a_connection_that_can_be_listened_to_is_named_before_a_deployment():
    database, bus = "postgres://risk@db.example/risk", "://valkey.example/0"
    _, said = deploy_check(DATABASE_URL=f"{database}?sslmode=require", REDIS_URL=f"redis{bus}")
    assert "The connection to the database (default)" in said
    assert "The connection to REDIS_URL" in said
    verified = {"DATABASE_URL": f"{database}?sslmode=verify-full", "REDIS_URL": f"rediss{bus}"}
    assert "can be listened to" not in deploy_check(**verified)[1]
