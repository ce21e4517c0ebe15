"""Section of the gates: what quality and domain gate refuse, now and before, as it was stored."""

from typing import Any

from ml.evaluation.metrics import measure_wilson
from ml.research.report.stored import Results
from ml.research.report.text import Estimate, format_table, join_parts, name_command, name_missing

COMMAND = "python -m ml gates"
# The gates before: stored once by the former code, on the same pictures.
FORMER = "gates-1.1.0.json"
_KINDS = (("dermoscopic", "Dermoscopic"), ("clinical", "Close-up"), ("", "Nothing"))


def write_gates(results: Results) -> str:
    """Write what the gates refuse set by set, what they propose, and how far copies differ."""
    stored = results.read_json("gates.json")
    if not stored:
        return join_parts("## Gates", name_missing("this section", COMMAND))
    former = results.read_json(FORMER) or {}
    earlier = {row["name"]: row for row in former.get("sets", [])}
    areas = [
        [
            row["gate"],
            row["against"],
            row["images"],
            Estimate(row["value"], row["low"], row["high"], share=False),
        ]
        for row in stored["auroc"]
    ]
    version = stored.get("version", "the gates")
    return join_parts(
        "## Gates",
        "Which images the quality and domain gates refuse. Of dermoscopic images every refusal is a false one"
        + (f"; *before* are {former['version']} on the same images." if former else "."),
        format_table(
            [
                "Images of",
                "Kind",
                "Images",
                "Refused before",
                f"Refused by {version}",
                "Why before",
                "Why now",
            ],
            [_compare(row, earlier.get(row["name"])) for row in stored["sets"]],
        ),
        "How well the gates' measures tell good images from the others (AUROC):",
        format_table(["Gate", "Against", "Images", "AUROC"], areas),
        " ".join(stored.get("notes", [])),
        _write_kinds(stored),
        _write_copies(stored),
        name_command(COMMAND),
    )


def _compare(row: dict[str, Any], before: dict[str, Any] | None) -> list[object]:
    return [
        row["name"],
        row["kind"],
        row["images"],
        Estimate(**before["rate"]) if before else None,
        Estimate(**row["rate"]),
        list_codes(before["by_code"]) if before else None,
        list_codes(row["by_code"]),
    ]


def _write_kinds(stored: dict[str, Any]) -> str:
    """Write which kind is proposed of each set; of close-ups by a fit without the set."""
    fitted = stored.get("kinds", [])
    if not fitted:
        return ""
    rows = [_count_kinds(f"{row['name']} (fit without it)", row) for row in fitted]
    rows += [
        _count_kinds(row["name"], row)
        for row in stored["sets"]
        if row["kind"] in ("dermoscopy", "foreign") and "kinds" in row and "held out" not in row["name"]
    ]
    return join_parts(
        "### Proposed kind of picture",
        "The form proposes what a picture looks like and a person confirms. Close-ups are told from dermoscopy by "
        "a logistic regression on the domain gate's features. There are only two sets of close-ups, so each is "
        "measured by a fit on the other; what ships is fitted on both. *Overview* is never proposed: there is "
        "no set of overviews to measure that on.",
        format_table(["Images of", "Images", *(f"{title} proposed" for _, title in _KINDS)], rows),
    )


def _count_kinds(name: str, row: dict[str, Any]) -> list[object]:
    shares: list[object] = []
    for kind, _ in _KINDS:
        count = row["kinds"].get(kind, 0)
        shares.append(Estimate(count / row["images"], *measure_wilson(count, row["images"])))
    return [name, row["images"], *shares]


def _write_copies(stored: dict[str, Any]) -> str:
    """Write how far the figures of a picture and of its reduced copy differ near the limits."""
    copies = stored.get("copies")
    if not copies:
        return ""
    rows = [
        [measure, found["near"], f"{found['greatest']:.4f}", f"{stored['margins'][measure]:.4f}"]
        for measure, found in copies["measures"].items()
    ]
    return join_parts(
        "### A picture and its reduced copy",
        f"Of a picture larger than 1,024 pixels the form checks a copy of that size, saved as JPEG. Of "
        f"{copies['pictures']:,} pictures (full-size ones, crops, enlarged ones, each also blurred, darkened and brightened) {copies['copies']} copies "
        "each were made by the filters of different browsers: the greatest difference of each measure near its "
        "limit, and the margin by which the check tightens and loosens that limit, half more than measured.",
        format_table(["Measure", "Copies near the limit", "Greatest difference", "Margin"], rows),
    )


def list_codes(codes: dict[str, int]) -> str:
    """Return the refusals by code in words, such as `blurred 3, too dark 1`; a dash for none."""
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in codes.items()) or "–"
