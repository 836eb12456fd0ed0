"""Whole numbers as people write them: the one way to read an age from text."""

import re

_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)


def whole_number(text: str) -> int:
    """The number that this text is, in ASCII digits: int() would also take "5_7" and Arabic digits.

    Raises
    ------
    ValueError
        When it is none.
    """
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError("not a whole number")
    return int(text)
