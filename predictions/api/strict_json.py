"""JSON as RFC 8259 has it, and nothing more: no duplicate key, no NaN, no number that is not finite."""

import json
from typing import Any, NoReturn

from predictions.exceptions import PanelRefused, Problem


class _Refused(ValueError):
    pass


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a UTF-8 JSON object.

    Raises
    ------
    PanelRefused
        When it is not one: the problem says where.
    """
    try:
        parsed = json.loads(
            body.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise _refusal("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise _refusal(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise _refusal(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except _Refused as error:
        raise _refusal(str(error)) from None
    except ValueError:
        # The interpreter refuses integers of more than 4,300 digits.
        raise _refusal("a number has too many digits") from None
    if not isinstance(parsed, dict):
        raise _refusal("the outermost value is not an object")
    return parsed


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(keys) < 1_000 else ["(many keys)"]  # noqa: PLR2004
        raise _Refused(
            f"a key stands twice in one object: {', '.join(ascii(key)[1:-1][:60] for key in twice[:5])}"
        )
    return unique


def _refuse_constant(constant: str) -> NoReturn:
    raise _Refused(f"{constant} is not JSON")


def _refusal(reason: str) -> PanelRefused:
    problem = Problem(
        "malformed_json", f"The body is not JSON: {reason}.", "Send one JSON object.", pointer=""
    )
    return PanelRefused([problem])
