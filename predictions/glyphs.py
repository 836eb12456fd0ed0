"""Texts as the fonts that typst brings along can draw them: what they cannot is written by its code point.

A letter that is drawn as an empty box would make two case references look the same.
"""

from typing import Any

# Latin, Greek and Cyrillic letters, and the signs of our own texts. The marks that frame a code point are not
# among them, so that nobody can write what looks like one.
_DRAWN = (
    (0x20, 0x7E),
    (0xA0, 0xAC),
    (0xAE, 0x17F),
    (0x386, 0x386),
    (0x388, 0x38A),
    (0x391, 0x3A1),
    (0x3A3, 0x3CE),
    (0x400, 0x45F),
    (0x1E80, 0x1E85),
    (0x1EA0, 0x1EF9),
    (0x2010, 0x2015),
    (0x2018, 0x2022),
    (0x2026, 0x2026),
    (0x20AC, 0x20AC),
    (0x2212, 0x2212),
    (0x2264, 0x2265),
)
DRAWN = frozenset(chr(code) for first, last in _DRAWN for code in range(first, last + 1))


def drawable(text: str) -> str:
    """The text with U+4E2D, framed, for each character that would not be drawn; a line feed stays."""
    return "".join(
        letter if letter in DRAWN or letter == "\n" else f"\u2039U+{ord(letter):04X}\u203a" for letter in text
    )


def all_drawable(contents: Any) -> Any:
    """Lists and dictionaries with every text in them made drawable."""
    match contents:
        case str():
            return drawable(contents)
        case dict():
            return {key: all_drawable(value) for key, value in contents.items()}
        case list() | tuple():
            return [all_drawable(value) for value in contents]
    return contents
