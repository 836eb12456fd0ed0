"""Messages of the rooms that know no Django: English text that can be said again in another language."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
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


def keep(part: object) -> Any:
    """What JSON keeps of a text or number: of a sentence how it was made, so that it can be said again."""
    if isinstance(part, Sentence):
        values = {name: keep(value) for name, value in part.values.items()}
        return {"template": part.template, "plural": part.plural, "values": values}
    if isinstance(part, Decimal):
        return {"decimal": str(part)}
    return part if part is None or isinstance(part, str | int | float) else str(part)


def restore(kept: Any) -> Any:
    """The text or number of which `keep` made this."""
    if not isinstance(kept, dict):
        return kept
    if "decimal" in kept:
        return Decimal(kept["decimal"])
    values = {name: restore(value) for name, value in kept["values"].items()}
    return Sentence(kept["template"], kept["plural"], **values)


AND = marked("{first} and {second}")
OR = marked("{first} or {second}")
COMMA = marked("{first}, {second}")
