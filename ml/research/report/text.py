"""Figures and tables as Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; `share` is shown in per cent, others with three decimals."""

    value: float
    low: float
    high: float
    share: bool = True

    def __str__(self) -> str:
        """Return such as `92.1 % (89.5–94.5)` or `0.910 (0.890–0.931)`."""
        if self.share:
            return f"{100 * self.value:.1f} % ({100 * self.low:.1f}–{100 * self.high:.1f})"
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def format_share(value: float, digits: int = 1) -> str:
    """Return a share in [0, 1] in per cent; nan as a dash."""
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f} %"


def format_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; cells are shown by `str`, None as a dash."""
    cells = [["–" if cell is None else str(cell).replace("|", r"\|") for cell in row] for row in rows]
    lines = [list(header), ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def name_command(command: str) -> str:
    """Return the line under a table that says what makes it again."""
    return f"Made by `{command}`, then `python -m ml report`."


def name_missing(what: str, command: str) -> str:
    """Return the sentence for a section whose stored input is absent."""
    return f"Not measured yet: {what} would come from `{command}`."


def format_picture(name: str, words: str) -> str:
    """Return the Markdown of a plot in the report's folder of plots."""
    return f"![{words}](results/plots/{name})"


def join_parts(*parts: str) -> str:
    """Return the non-empty parts with a blank line between."""
    return "\n\n".join(part for part in parts if part)
