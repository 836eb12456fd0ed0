"""The stand-alone verifier, loaded from where it is served: nothing imports it otherwise."""

import importlib.util
import sys
from pathlib import Path

from django.conf import settings

PATH = Path(settings.BASE_DIR) / "static" / "verify_ledger.py"


def _loaded():
    spec = importlib.util.spec_from_file_location("verify_ledger", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = _loaded()
