"""The keys of the releases: given by the environment, or made once and kept in the state directory."""

import json

from breastrisk import environment
from breastrisk.embedded.state import StateDirectory
from ml_models.sealing import ReleaseKeys, generate_keys

_KEPT_AS = "model_keys"


def are_given() -> bool:
    """Whether the environment has them; in production it has to."""
    return environment.read_flag("PRODUCTION") or bool(environment.read("MODEL_ENCRYPTION_KEY", ""))


def read(state: StateDirectory) -> dict[str, str]:
    """The keys by the names of their variables. The signing key is only needed where releases are trained."""
    if are_given():
        return {
            "MODEL_ENCRYPTION_KEY": environment.read("MODEL_ENCRYPTION_KEY"),
            "MODEL_PUBLIC_KEYS": environment.read("MODEL_PUBLIC_KEYS"),
            "MODEL_SIGNING_KEY": environment.read("MODEL_SIGNING_KEY", ""),
        }
    kept: dict[str, str] = json.loads(state.secret(_KEPT_AS, lambda: _as_text(generate_keys())))
    return kept


def keep(state: StateDirectory, keys: ReleaseKeys) -> None:
    """Keep these keys instead of those that are kept."""
    state.replace_secret(_KEPT_AS, _as_text(keys))


def _as_text(keys: ReleaseKeys) -> str:
    return json.dumps(
        {
            "MODEL_ENCRYPTION_KEY": keys.encryption_text,
            "MODEL_PUBLIC_KEYS": keys.public_text,
            "MODEL_SIGNING_KEY": keys.signing_text,
        }
    )
