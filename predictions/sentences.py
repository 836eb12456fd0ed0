"""Messages of the rooms that know no Django: English text that can be said again in another language."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Self


class Sentence(str):
    """English text that remembers the template and the values of which it was made.

    A value may be a sentence too. Whole numbers are grouped by thousands; a copy is plain text.
    """

    __slots__ = ("plural", "template", "values")
    template: str
    plural: str
    values: Mapping[str, object]

    def __new__(cls, template: str, plural: str = "", /, **values: object) -> Self:
        chosen = plural if plural and values["count"] != 1 else template
        told = {name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()}
        sentence = super().__new__(cls, chosen.format(**told))
        sentence.template, sentence.plural, sentence.values = template, plural, values
        return sentence

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


def marked(template: str) -> str:
    """The template itself, known to be one."""
    return template


def sentence(template: str, **values: object) -> Sentence:
    """The template with its values, by name."""
    return Sentence(template, **values)


def listed(names: Sequence[str]) -> str:
    """At least one name, with "and" between them."""
    return reduce(lambda first, second: sentence(AND, first=first, second=second), names)


def any_of(names: Sequence[str]) -> str:
    """At least one name, with "or" between them."""
    return reduce(lambda first, second: sentence(OR, first=first, second=second), names)


def joined(parts: Sequence[str]) -> str:
    """Parts that may be sentences, with commas between them."""
    return reduce(lambda first, second: sentence(COMMA, first=first, second=second), parts)


def counted(singular: str, plural: str, *, count: int, **values: object) -> Sentence:
    """The template that fits the count, which stands in it as {count}."""
    return Sentence(singular, plural, count=count, **values)


AND = marked("{first} and {second}")
OR = marked("{first} or {second}")
COMMA = marked("{first}, {second}")
