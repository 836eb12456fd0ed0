"""Documents that are rendered as a page and as Markdown: sections of text, tables and figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from accounts.charts import Chart

_MEANS_SOMETHING = re.compile(r"([\\`*_<\[\]|])")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Names with what each is."""

    kind: ClassVar[str] = "terms"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table: the figure or name, the smaller words behind it, and where it leads."""

    text: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first cell of a row is its name. A `folded` table opens on request."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False

    @property
    def labelled_rows(self) -> list[list[tuple[str, Cell]]]:
        """Every cell with the name of its column, which a phone shows beside it."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, what it shows, and its numbers in a table."""

    kind: ClassVar[str] = "figure"
    chart: Chart
    caption: str
    table: Table


Block = Paragraph | Bullets | Terms | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document; `key` is its address on the page."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A title and sections."""

    title: str
    sections: tuple[Section, ...]


def as_markdown(document: Document) -> str:
    """The document as CommonMark with tables; a figure is given by its numbers."""
    parts = [f"# {_inert(document.title)}"]
    for section in document.sections:
        parts.append(f"## {_inert(section.title)}")
        parts.extend(part for block in section.blocks for part in _parts(block))
    return "\n\n".join(parts) + "\n"


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _inert(block.text)
        case Bullets():
            yield "\n".join(f"- {_inert(item)}" for item in block.items)
        case Terms():
            yield "\n".join(f"- **{_inert(name)}**: {_inert(words)}" for name, words in block.pairs)
        case Figure():
            yield f"**{_inert(block.chart.title)}.** {_inert(block.caption)}"
            yield _table(block.table)
        case Table():
            yield _inert(block.caption)
            yield _table(block)


def _table(table: Table) -> str:
    heads = "".join(f" {_inert(column)} |" for column in table.columns)
    lines = [f"|{heads}", "|" + " --- |" * len(table.columns)]
    lines += ["|" + "".join(f" {_cell(cell)} |" for cell in row) for row in table.rows]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    return _inert(f"{cell.text} {cell.note}".strip())


def _inert(text: str) -> str:
    """The text with everything escaped that Markdown would read as more than itself."""
    return _MEANS_SOMETHING.sub(r"\\\1", text)
