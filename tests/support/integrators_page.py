"""The five jobs of docs/integrators.md, as the lines that a reader would run."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tests.support.live_stack import PROJECT

PAGE = PROJECT / "docs" / "integrators.md"
SECTION = "## Five jobs for an integrator"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TO_FILL_IN = "…"
"""A line that holds it is the reader's own to write: tests set what it sets."""


@dataclass(frozen=True)
class Job:
    title: str
    text: str
    blocks: tuple[tuple[str, str], ...]

    def lines_in(self, language: str) -> str:
        return "\n".join(code for name, code in self.blocks if name == language)


def read_jobs() -> tuple[Job, list[Job]]:
    """What comes before the first job, and the jobs."""
    text = PAGE.read_text(encoding="utf-8")
    head, found, rest = text.partition(f"\n{SECTION}\n")
    assert found, f"{PAGE.name} has no section {SECTION!r}"
    assert SECTION not in head + rest, "the section stands twice"
    # A comment in a block begins like a heading: the end of the section is sought outside of blocks.
    bare = FENCE.sub(lambda block: re.sub(r"[^\n]", "x", block[0]), rest)
    end = re.search(r"^#{1,2} ", bare, re.MULTILINE)
    stop = end.start() if end else len(rest)
    starts = [found.start() for found in re.finditer(r"^### ", bare[:stop], re.MULTILINE)]
    parts = [rest[a:b] for a, b in zip([0, *starts], [*starts, stop], strict=True)]
    before, *jobs = (read_job(part) for part in parts)
    filled = tuple((name, fill_in(code)) for name, code in before.blocks)
    return replace(before, blocks=filled), jobs


def read_job(text: str) -> Job:
    return Job(text.partition("\n")[0].strip("# "), text, tuple(FENCE.findall(text)))


def fill_in(code: str) -> str:
    return "\n".join(line for line in code.splitlines() if TO_FILL_IN not in line)
