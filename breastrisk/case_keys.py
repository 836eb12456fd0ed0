"""The keys that wrap the keys of cases: from the environment, or made once and kept in the state directory.

An entry is `ID:KEY`, the key 32 bytes in base64; several are separated by commas or line ends. The first
wraps new keys, the others still open what they wrapped: that is how one is rotated.
"""

import base64
import binascii
import os
import re

from breastrisk import environment
from breastrisk.embedded.state import StateDirectory
from breastrisk.environment import WrongSetting

KEPT_AS = "case_keys"
KEY_SIZE = 32
SHAPE = (
    f"CASE_KEYS has to be entries ID:KEY with a comma between them, each ID another, of a-z, 0-9 and -, "
    f"each KEY {KEY_SIZE} bytes in base64 (`openssl rand -base64 {KEY_SIZE}` makes one)."
)


def are_given() -> bool:
    """Whether the environment has them; in production it has to."""
    return environment.read_flag("PRODUCTION") or bool(environment.read("CASE_KEYS", ""))


def read(state: StateDirectory) -> dict[str, bytes]:
    """Each key by its identifier, the one that wraps first.

    Raises
    ------
    WrongSetting, MissingSetting
    """
    text = environment.read("CASE_KEYS") if are_given() else state.secret(KEPT_AS, lambda: make_entry("1"))
    return parse(text)


def parse(text: str) -> dict[str, bytes]:
    """Each key by its identifier, in the order of the entries.

    Raises
    ------
    WrongSetting
        For anything else; it does not repeat what stands there.
    """
    entries = [_parse_entry(entry) for entry in re.split(r"[,\n]", text.strip())]
    keys = dict(entries)
    if len(keys) != len(entries) or len(set(keys.values())) != len(entries):
        raise WrongSetting(SHAPE)
    return keys


def make_entry(identifier: str) -> str:
    """A new random key under this identifier."""
    return f"{identifier}:{base64.b64encode(os.urandom(KEY_SIZE)).decode()}"


def put_in_front(state: StateDirectory) -> str:
    """Keep a new key in front of those that are kept, and return its identifier."""
    kept = state.secret(KEPT_AS)
    identifier = str(1 + max(int(known) for known in parse(kept)))
    state.replace_secret(KEPT_AS, f"{make_entry(identifier)},{kept}")
    return identifier


def _parse_entry(entry: str) -> tuple[str, bytes]:
    identifier, _, text = entry.strip().partition(":")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongSetting(SHAPE) from None
    if len(key) != KEY_SIZE or not re.fullmatch("[a-z0-9-]{1,40}", identifier):
        raise WrongSetting(SHAPE)
    return identifier, key
