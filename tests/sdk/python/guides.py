"""The samples of the guides: blocks of code in `docs/*.md`, as their readers copy them."""

import re
from dataclasses import dataclass
from pathlib import Path

from servers import ROOT

# The address that guides write, which a test replaces by that of its own gateway.
ADDRESS = "http://127.0.0.1:8484"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Sample:
    guide: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.guide}:{self.line}"


def samples(path: Path) -> list[Sample]:
    """All blocks of one guide, in order."""
    text = path.read_text()
    return [
        Sample(path.name, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in FENCE.finditer(text)
    ]


def guides() -> list[Path]:
    """Every guide, and the README."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
