"""The keys that sign checkpoints of the audit trail: given, or made once and kept in the state directory.

Only workers need the signing key. Everybody has the public keys, the newest first: former ones still verify
what they have signed.
"""

import json
import secrets
from dataclasses import dataclass

from accounts.signed_notes import SigningKey, VerifierKey
from breastrisk import environment
from breastrisk.embedded.state import StateDirectory
from breastrisk.environment import WrongSetting

_KEPT_AS = "ledger_keys"


@dataclass(frozen=True)
class LedgerKeys:
    """`signing` is empty in a process that does not sign; `public` has the newest key first."""

    signing: str
    public: list[str]

    def renewed(self) -> "LedgerKeys":
        """A new key of the same name, which is the origin of the checkpoints, in front of the former ones."""
        key = SigningKey.generate(VerifierKey.from_text(self.public[0]).name)
        return LedgerKeys(key.text, [key.verifier.text, *self.public])


def are_given() -> bool:
    """Whether the environment has them; in production it has to."""
    return environment.read_flag("PRODUCTION") or bool(environment.read("LEDGER_PUBLIC_KEYS", ""))


def read(state: StateDirectory) -> LedgerKeys:
    """The keys, checked.

    Raises
    ------
    WrongSetting, MissingSetting
    """
    if not are_given():
        return LedgerKeys(**json.loads(state.secret(_KEPT_AS, lambda: _as_text(_first()))))
    keys = LedgerKeys(
        environment.read("LEDGER_SIGNING_KEY", ""), environment.read_list("LEDGER_PUBLIC_KEYS", None)
    )
    _check(keys)
    return keys


def keep(state: StateDirectory, keys: LedgerKeys) -> None:
    """Keep these keys instead of those that are kept."""
    state.replace_secret(_KEPT_AS, _as_text(keys))


def _first() -> LedgerKeys:
    key = SigningKey.generate(f"breastrisk-{secrets.token_hex(4)}")
    return LedgerKeys(key.text, [key.verifier.text])


def _check(keys: LedgerKeys) -> None:
    """Messages repeat no key: one may be the wrong one of the two."""
    try:
        public = [VerifierKey.from_text(text) for text in keys.public]
        signing = keys.signing and SigningKey.from_text(keys.signing)
    except ValueError as error:
        raise WrongSetting(f"LEDGER_PUBLIC_KEYS or LEDGER_SIGNING_KEY: {error}.") from None
    if len({key.name for key in public}) != 1:
        raise WrongSetting("LEDGER_PUBLIC_KEYS has to be keys of one name.")
    if signing and signing.verifier not in public:
        raise WrongSetting("LEDGER_PUBLIC_KEYS lacks the public half of LEDGER_SIGNING_KEY.")


def _as_text(keys: LedgerKeys) -> str:
    return json.dumps({"signing": keys.signing, "public": keys.public})
