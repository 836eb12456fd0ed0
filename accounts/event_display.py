"""How one event is shown: its time, who did it, and its body, whatever somebody has made of them."""

import json
from typing import Any

from django.utils.translation import gettext

from accounts.event_words import words_of, words_of_door
from accounts.models import Event


def iso_time(event: Event) -> str:
    """When the database's clock recorded it, in ISO 8601 UTC."""
    try:
        return event.recorded_at.isoformat(timespec="microseconds")
    except OverflowError:  # only somebody with SQL can have written it
        return f"{event.recorded_us} us"


def time_words(event: Event) -> str:
    """The same for a reader, to the millisecond."""
    return iso_time(event)[: len("2026-01-01T00:00:00.000")].replace("T", " ")


def who_words(event: Event) -> str:
    """The person, the key with whom it says that it acts for, or the door."""
    door = words_of_door(str(event.facts.get("door", ""))) or gettext("unknown")
    who = str(event.person or event.api_key or door)
    if named := event.facts.get("on_behalf_of"):
        who = gettext("{system}, for {person}").format(system=who, person=named)
    return visible(who)


def body_words(event: Event) -> str:
    """The recorded facts, one a line; the bytes themselves where they are no facts."""
    facts = event.facts
    if not facts:
        return visible(bytes(event.body).decode(errors="backslashreplace"))
    return visible(json.dumps(facts, indent=2, ensure_ascii=False))


def row_of(event: Event) -> dict[str, Any]:
    """What a line of the timeline shows."""
    return {
        "id": event.id,
        "time": time_words(event),
        "action": words_of(event.action),
        "who": who_words(event),
        "organisation": event.organisation,
        "release": event.release,
        "case_digest": event.case_digest,
    }


def visible(text: str) -> str:
    """With the escapes of what is not printable: such characters can turn the text around them."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )
