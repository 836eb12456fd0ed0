"""What the environment says. Every secret NAME may instead be given as NAME_FILE, the path of a file."""

import os
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path


class MissingSetting(Exception):
    """For the operator: an environment variable that this mode needs is not set."""


class WrongSetting(Exception):
    """For the operator: an environment variable has a value that means nothing."""


def read(name: str, default: str | None = None) -> str:
    """The value of NAME, or the contents of the file that NAME_FILE names, or the default.

    Raises
    ------
    MissingSetting
        When neither is set and there is no default.
    """
    if name in os.environ:
        return os.environ[name]
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    if default is None:
        raise MissingSetting(f"Set {name}, or {name}_FILE to the path of a file that holds it.")
    return default


def read_flag(name: str) -> bool:
    """Whether NAME is switched on: 1, true, yes or on."""
    return read(name, "").lower() in {"1", "true", "yes", "on"}


def read_count(name: str, default: int) -> int:
    """The number from 0 that NAME is.

    Raises
    ------
    WrongSetting
        When it is none.
    """
    text = read(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise WrongSetting(f"{name} has to be a number from 0, not {text!r}.")
    return int(text)


def read_choice(name: str, choices: Sequence[str]) -> str:
    """One of the choices; the first without NAME.

    Raises
    ------
    WrongSetting
        When it is none of them.
    """
    text = read(name, choices[0])
    if text not in choices:
        raise WrongSetting(f"{name} has to be one of {', '.join(choices)}, not {text!r}.")
    return text


def read_list(name: str, default: str | None = "") -> list[str]:
    """The comma-separated entries of NAME, without blanks."""
    return [entry.strip() for entry in read(name, default).split(",") if entry.strip()]


def read_networks(name: str) -> list[str]:
    """The comma-separated networks (CIDR) of NAME.

    Raises
    ------
    WrongSetting
        When one is none.
    """
    try:
        return [str(ip_network(entry)) for entry in read_list(name)]
    except ValueError as error:
        raise WrongSetting(f"{name} has to be networks like 192.0.2.0/24: {error}.") from None
