"""`python -m ml report`: REPORT.md and its plots, from stored results alone."""

import argparse
import sys
from pathlib import Path

from ml.evaluation.stored_predictions import RESULTS
from ml.research.report.document import extract_figures, replace_figures, write_figures, write_report
from ml.research.report.stored import Results

HOME = RESULTS.parent
PAGE = HOME.parent / "docs" / "networks.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of stored results")
    parser.add_argument("--weights", type=Path, default=HOME / "weights", help="folder of specifications")
    parser.add_argument("--output", type=Path, default=HOME / "REPORT.md")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that quotes the figures")
    parser.add_argument("--figures", action="store_true", help="print that page's block of figures")
    parser.add_argument(
        "--update", action="store_true", help="write that block between the page's markers too"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a file would change")
    parser.add_argument("--bootstrap", type=int, default=2000, help="rounds (default 2000)")


def run(options: argparse.Namespace) -> int:
    """Write, check or print; returns the exit status."""
    results = Results(options.results, options.weights, options.bootstrap)
    if options.figures and not options.check:
        print(write_figures(results))
        return 0
    files = {} if options.figures else collect_files(results, options.output)
    block = write_figures(results)
    page = options.page.read_text(encoding="utf-8") if options.page.is_file() else ""
    if options.check:
        stale = list_stale(files)
        if extract_figures(page) != block:
            stale.append(options.page)
        for path in stale:
            print(
                f"{path} is not what the stored results give: run python -m ml report --update.",
                file=sys.stderr,
            )
        return 1 if stale else 0
    write_files(files)
    if options.update:
        write_files({options.page: replace_figures(page, block).encode()})
    print(f"{options.output} and {len(results.plots)} plots written")
    return 0


def collect_files(results: Results, output: Path) -> dict[Path, bytes]:
    """Return the bytes of the report and its plots, by path."""
    text = write_report(results)
    plots = {results.folder / "plots" / name: data for name, data in results.plots.items()}
    return {output: text.encode(), **plots}


def list_stale(files: dict[Path, bytes]) -> list[Path]:
    """Return the paths that are missing or hold other bytes."""
    return [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]


def write_files(files: dict[Path, bytes]) -> None:
    """Write each file whole or not at all; raises OSError."""
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".partial")
        draft.write_bytes(data)
        draft.replace(path)
