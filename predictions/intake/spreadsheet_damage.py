"""Gene names that a spreadsheet turned into a date, a number or an error.

Ziemann, Eren & El-Osta, Genome Biol 2016;17:177. Which genes were lost is told, never mended: two genes
may have become the same date. The names are previous symbols, aliases and symbols of HGNC that begin with
a month.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

_DAMAGING = re.compile(
    r"(?P<day>\d{1,2})-(?P<month>[A-Z][a-z]{2})(?:-\d{2,4})?"
    r"|(?P<month_first>[A-Z][a-z]{2})-(?P<day_second>\d{1,2})"
    r"|\d{4}-(?P<month_number>\d\d)-(?P<day_number>\d\d)(?:[T ]00:00:00)?"
    r"|(?P<serial>\d{5})(?:\.0)?"
    r"|(?P<rounded>\d\.\d{1,5}E\+\d\d)"
    r"|(?P<error>#(?:N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!))",
    re.ASCII,
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIRST_DAY = date(1899, 12, 30)  # a spreadsheet counts its days from here
# Days of 1999 to 2079: what a spreadsheet makes of a gene is a date of the year in which that was done.
SERIALS = range(36_161, 65_747)
GENES = {
    ("Mar", range(1, 12)): "MARCHF{day}",
    ("Mar", range(1, 3)): "MTARC{day}",
    ("Sep", range(1, 13)): "SEPTIN{day}",
    ("Sep", range(13, 14)): "SEPTIN7P2",
    ("Sep", range(14, 15)): "SEPTIN14",
    ("Sep", range(15, 16)): "SELENOF",
    ("Dec", range(1, 2)): "DELEC1",
    ("Dec", range(1, 3)): "BHLHE4{previous}",
    ("Oct", range(1, 4)): "SLC22A{day}",
    ("Oct", range(1, 3)): "POU2F{day}",
    ("Oct", range(3, 5)): "POU5F1",
    ("Oct", range(11, 12)): "POU2F3",
    ("Apr", range(1, 2)): "MAGEH1",
    ("Apr", range(2, 3)): "FAM215A",
    ("Apr", range(3, 4)): "ATRAID",
    ("Apr", range(5, 6)): "DDX54",
    ("Feb", range(3, 4)): "SCN1A",
    ("Feb", range(4, 5)): "ADGRV1",
    ("Nov", range(1, 2)): "C11orf40",
}


def is_damaged(identifier: str) -> bool:
    """Whether this looks like what a spreadsheet leaves of a gene's name."""
    found = _DAMAGING.fullmatch(identifier)
    return found is not None and (not found["serial"] or int(found["serial"]) in SERIALS)


def likely_genes(identifier: str) -> tuple[str, ...]:
    """HGNC symbols of the genes that may have stood there; none where nothing can be told."""
    found = _DAMAGING.fullmatch(identifier)
    if not found or found["error"] or found["rounded"]:
        return ()
    return tuple(dict.fromkeys(_genes_of(*_date_of(found))))


def is_rounded(identifier: str, number: str) -> bool:
    """Whether this is how a spreadsheet shows a long number in a narrow column."""
    digits = len(identifier.partition("E")[0]) - len("1.")
    return "E+" in identifier and digits > 0 and identifier == f"{int(number):.{digits}E}"


def _date_of(found: re.Match[str]) -> tuple[str, int]:
    if found["serial"]:
        day = FIRST_DAY + timedelta(days=int(found["serial"]))
        return (MONTHS[day.month - 1], day.day) if int(found["serial"]) in SERIALS else ("", 0)
    if found["month_number"]:
        number = int(found["month_number"])
        return MONTHS[number - 1] if 1 <= number <= len(MONTHS) else "", int(found["day_number"])
    return found["month"] or found["month_first"], int(found["day"] or found["day_second"])


def _genes_of(month: str, day: int) -> Iterator[str]:
    for (of_month, days), gene in GENES.items():
        if month == of_month and day in days:
            yield gene.format(day=day, previous=day - 1)
