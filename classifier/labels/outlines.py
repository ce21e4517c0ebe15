"""Words for outlines: what is measured of a lesion, and what changed since the last visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifier.models import Outline

NOT_A_VERDICT = "Drawn and measured by a network of its own. No part of the answer, and no diagnosis."
CUT = "The lesion reaches the edge of the picture: part of it may lie outside, and its measures are of what is seen."
NAMES = {
    "area": "Area",
    "diameter": "Largest diameter",
    "asymmetry": "Asymmetry",
    "irregularity": "Border irregularity",
    "colours": "Colours",
}
DEFINITIONS = {
    "area": "of the outlined region",
    "diameter": "largest distance between two points of the outline",
    "asymmetry": "share that the mirror image about its axes leaves uncovered; 0 is a perfect mirror",
    "irregularity": "perimeter squared by 4π times the area; 1 is a circle",
    "colours": "of the six of the ABCD rule of dermoscopy: white, red, light brown, dark brown, blue-grey, black",
}
SOURCES = {
    "asymmetry": "Stoecker, Li and Moss 1992",
    "irregularity": "Golston, Stoecker, Moss and Dhillon 1992",
    "colours": "Nachbar et al. 1994; Kasmi and Mokrani 2016",
}


def format_measure(name: str, value: Any) -> str:
    """One measure with its unit: ("area", 0.123) is "12.3 % of the picture"."""
    if name == "area":
        return f"{value * 100:.1f} % of the picture"
    if name == "diameter":
        return f"{value * 100:.0f} % of the picture's longer side"
    if name == "area_mm2":
        return f"{value:.1f} mm²"
    if name == "diameter_mm":
        return f"{value:.1f} mm"
    if name == "colours":
        return f"{int(value)} of 6"
    return f"{value:.2f}"


def list_measures(outline: Outline) -> list[tuple[str, str, str]]:
    """Name, figure and definition of each measure of a finished outline, in millimetres where the scale is known."""
    measures, rows = outline.measures, []
    for name, label in NAMES.items():
        scaled = {"area": "area_mm2", "diameter": "diameter_mm"}.get(name, "")
        if name == "colours":
            shown = ", ".join(measures["colours"])
            said = format_measure(name, len(measures["colours"])) + (f": {shown}" if shown else "")
        elif scaled and measures.get(scaled) is not None:
            said = f"{format_measure(scaled, measures[scaled])} ({format_measure(name, measures[name])})"
        else:
            said = format_measure(name, measures[name])
        source = SOURCES.get(name)
        rows.append((label, said, f"{DEFINITIONS[name]}{f' ({source})' if source else ''}"))
    return rows


def format_change(name: str, change: float) -> str:
    """A change with its sign: sizes in hundredths of the earlier one, others as they are."""
    sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else "±"
    base = name.partition("_")[0]
    if base in ("area", "diameter"):
        return f"{sign}{abs(change) * 100:.0f} %"
    return f"{sign}{abs(change):.0f}" if base == "colours" else f"{sign}{abs(change):.2f}"


def describe_repeatability(name: str, moves: float | None) -> str:
    """How far the measure moves by itself, in words."""
    if moves is None:
        return "How far it moves without any change was not measured for this network."
    base = name.partition("_")[0]
    if base in ("area", "diameter"):
        return f"moves by up to {moves * 100:.0f} % without any change"
    digits = 0 if base == "colours" else 2
    return f"moves by up to {moves:.{digits}f} without any change"
