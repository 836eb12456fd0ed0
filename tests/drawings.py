"""The people in a drawing of a hundred, as a program that shows it sees them."""

import re
from xml.etree import ElementTree as ET


def figures_in(drawing: str) -> list[tuple[str, str]]:
    """Each person's outline, in the order drawn, with its fill."""
    return [
        (outline, path.attrib["fill"])
        for path in ET.fromstring(drawing).findall("path")  # noqa: S314 - our own
        for outline in re.findall(r"M\S+ \S+a.*?M.*?z", path.attrib["d"])
    ]
