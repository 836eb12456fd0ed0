"""The types of command-line arguments. A terminal hands over any bytes; the database takes text only."""

from argparse import ArgumentTypeError
from collections.abc import Callable


def plain_text(longest: int = 100) -> Callable[[str], str]:
    """The type of an argument of printable characters, at most so many of them."""

    def check(text: str) -> str:
        if len(text) > longest or not text.isprintable():
            raise ArgumentTypeError(f"at most {longest} printable characters, not {text[:longest]!a}")
        return text

    return check
