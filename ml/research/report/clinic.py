"""Sections for use with patients: predictive values, subgroups, repeat consistency."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ml.evaluation.consistency import VARIANTS
from ml.evaluation.metrics import (
    PREVALENCES,
    bootstrap_lesions,
    bound_predictive_values,
    measure_predictive_values,
)
from ml.evaluation.skin_tone import CATEGORIES, name_skin_tone
from ml.evaluation.stored_predictions import StoredRow
from ml.research.report.drawing import draw
from ml.research.report.measures import measure_part, measure_share
from ml.research.report.sets import COMMAND, read_clean
from ml.research.report.stored import Network, ReportPart, Results
from ml.research.report.text import (
    Estimate,
    format_picture,
    format_share,
    format_table,
    join_parts,
    name_command,
    name_missing,
)

FEWEST = 30
_AGES = (
    (0, 30, "under 30"),
    (30, 45, "30 to 44"),
    (45, 60, "45 to 59"),
    (60, 75, "60 to 74"),
    (75, 200, "75 and over"),
)


def write_predictive_values(results: Results) -> str:
    """Write the section of PPV and NPV at three prevalences."""
    rows: list[list[object]] = []
    for network in results.networks:
        part = read_clean(network)
        if part is None:
            continue
        for prevalence in PREVALENCES:
            cells = measure_bedside(part, network, prevalence)
            rows.append([network.name, format_share(prevalence), *cells])
    if not rows:
        return join_parts("## Predictive values", name_missing("this table", COMMAND))
    header = ["", "Malignant among lesions seen", "PPV at the threshold", "NPV at the threshold"]
    return join_parts(
        "## Predictive values",
        "What an answer means depends on how many of the lesions seen are malignant: about 2 % in general "
        "practice, 6.6 % in a referral clinic, 45 % in the paper's set. From the 602 clean images by Bayes' "
        "rule, with the adjusted logit interval of Mercaldo, Lau and Zhou (2007). The last two columns are of "
        "the portal's answers *malignant* and *benign*, *refer* left out.",
        format_table([*header, "PPV of *malignant*", "NPV of *benign*"], rows),
        name_command(COMMAND),
    )


def measure_bedside(part: ReportPart, network: Network, prevalence: float) -> list[Estimate]:
    """Return PPV and NPV at the threshold, PPV of the answer malignant, NPV of the answer benign."""
    policy, p, y = network.policy, part.p, part.y
    malignant, benign = int(y.sum()), int((~y).sum())
    cuts = (
        (p >= policy.threshold, p < policy.threshold, 0),
        (p >= policy.threshold, p < policy.threshold, 1),
        (p > policy.refer_high, p <= policy.refer_high, 0),
        (p >= policy.refer_low, p < policy.refer_low, 1),
    )
    estimates = []
    for called, cleared, which in cuts:
        hits, right = int(called[y].sum()), int(cleared[~y].sum())
        value = measure_predictive_values(hits / malignant, right / benign, prevalence)[which]
        bounds = bound_predictive_values(hits, malignant, right, benign, prevalence)[which]
        estimates.append(Estimate(value, *bounds))
    return estimates


def list_groups(part: ReportPart) -> list[tuple[str, str, ReportPart]]:
    """Return (kind, group, images) of every skin tone, and of the ages, sexes and common sites that occur."""
    found: list[tuple[str, str, ReportPart]] = []
    kinds: tuple[tuple[str, list[str], Callable[[StoredRow], str]], ...] = (
        ("Skin tone", [name for name, _ in CATEGORIES], _find_tone),
        ("Age", [name for _, _, name in _AGES], _find_age),
        ("Sex", ["female", "male"], lambda row: row.image.sex),
        ("Site", sorted({row.image.site for row in part.rows} - {""}), lambda row: row.image.site),
    )
    for kind, names, find in kinds:
        groups = [(kind, name, _keep_group(part, find, name)) for name in names]
        least = FEWEST if kind == "Site" else 0 if kind == "Skin tone" else 1
        known = [group for group in groups if len(group[2].rows) >= least]
        if any(group[2].rows for group in known):
            found += known
    return found


def _keep_group(part: ReportPart, find: Callable[[StoredRow], str], name: str) -> ReportPart:
    return part.keep(lambda row: find(row) == name)


def write_subgroups(results: Results) -> str:
    """Write the section of subgroups, for the default network."""
    heading = "## Subgroups"
    if not results.networks:
        return join_parts(heading, name_missing("this section", COMMAND))
    network = results.networks[0]
    words = (
        f"Of `{network.name}`. Skin tone is the recorded Fitzpatrick type where there is one; else the individual "
        "typology angle (ITA) of the skin round the lesion, from pixels, in the categories of Chardon (1991), as "
        "Kinyanjui (2020) did. Light in a dermoscope is not calibrated, so ITA is rough. *Not assessed*: "
        "fewer than 30 cases; AUC needs 30 of each class. Sites with fewer than 30 images are left out."
    )
    texts = [heading, words]
    parts = (
        ("602 clean", read_clean(network)),
        ("HAM10000", network.read_part("ham10000-subset")),
    )
    bars: list[tuple[str, Estimate]] = []
    for title, part in parts:
        if part is None:
            continue
        rows: list[list[object]] = []
        for kind, name, group in list_groups(part):
            figures = _measure_group(group, network, results.rounds)
            rows.append([kind, name, group.count(), *figures.values()])
            bars += [(f"{name}, {title}", auc) for auc in [figures["auc"]] if isinstance(auc, Estimate)]
        known = sum(bool(row.image.age or row.image.sex) for row in part.rows)
        texts += [
            f"### Subgroups of {title}",
            f"Age, sex or site is recorded for {known} of {len(part.rows)} images.",
            format_table(["", "Group", "Images", "AUC", "Sensitivity", "Specificity"], rows),
        ]
    texts.append(_write_recorded_types(network))
    if bars:
        _draw_bars(results, bars)
        texts.append(format_picture("subgroups.svg", "AUC of each subgroup with its 95 % interval"))
    return join_parts(*texts, name_command(COMMAND))


def _measure_group(group: ReportPart, network: Network, rounds: int) -> dict[str, Estimate | str]:
    malignant = int(group.y.sum())
    benign = len(group.rows) - malignant
    enough = {
        "auc": min(malignant, benign) >= FEWEST,
        "sensitivity": malignant >= FEWEST,
        "specificity": benign >= FEWEST,
    }
    figures = measure_part(group, network.policy, rounds=rounds) if any(enough.values()) else {}
    return {name: figures[name] if fits else "not assessed" for name, fits in enough.items()}


def _write_recorded_types(network: Network) -> str:
    part = network.read_part("pad-ufes-20-smartphone")
    if part is None:
        return ""
    types = sorted(row.image.skin_type for row in part.rows if row.image.skin_type)
    counts = ", ".join(f"type {name}: {types.count(name)}" for name in sorted(set(types)))
    return (
        f"A Fitzpatrick type is recorded only in PAD-UFES-20, for {len(types)} of its {len(part.rows)} images "
        f"({counts}): not assessed."
    )


def _draw_bars(results: Results, bars: list[tuple[str, Estimate]]) -> None:
    with draw(results.plots, "subgroups.svg", width=6.4, height=0.9 + 0.22 * len(bars)) as (axes,):
        heights = np.arange(len(bars))[::-1]
        values = np.array([bar.value for _, bar in bars])
        spans = np.array([[bar.value - bar.low, bar.high - bar.value] for _, bar in bars]).clip(min=0).T
        axes.barh(heights, values, xerr=spans, color="#56B4E9", ecolor="#333333", capsize=2, height=0.7)
        axes.set_yticks(heights, [name for name, _ in bars])
        axes.set_xlim(0.5, 1)
        axes.set_xlabel("AUC")


def measure_consistency(network: Network, rounds: int) -> dict[str, tuple[Estimate, float]]:
    """Return, for each variant and for `all`, the share that keeps its side and the mean |change of P|."""
    rows = network.read_variants()
    if not rows:
        return {}
    names = [name for name in VARIANTS if name in rows[0]]
    before = np.array([float(row["identity"]) for row in rows])
    after = np.array([[float(row[name]) for name in names] for row in rows])
    threshold = network.policy.threshold
    same = (after >= threshold) == (before >= threshold)[:, None]
    change = np.abs(after - before[:, None]).mean(axis=0)
    lesions = [row["lesion"] for row in rows]
    found = {
        name: (measure_share(same[:, column], lesions), float(change[column]))
        for column, name in enumerate(names)
    }
    ones = np.ones(len(rows), dtype=bool)
    bounds = bootstrap_lesions(
        {"all": lambda p, _: float(p.mean())}, same.mean(axis=1), ones, lesions, rounds=rounds
    )
    return {**found, "all": (Estimate(float(same.mean()), *bounds["all"]), float(change.mean()))}


def write_consistency(results: Results) -> str:
    """Write the section of repeat consistency."""
    columns = {
        each.name: found for each in results.networks if (found := measure_consistency(each, results.rounds))
    }
    command = "python -m ml evaluate --sets consistency"
    if not columns:
        return join_parts("## Repeat consistency", name_missing("this table", command))
    rows: list[list[Any]] = []
    for name, title in {
        **{key: words for key, (words, _) in VARIANTS.items()},
        "all": "**all together**",
    }.items():
        cells = []
        for found in columns.values():
            share, change = found[name]
            cells += [share, f"{change:.3f}"]
        rows.append([title, *cells])
    header = ["", *(text for name in columns for text in (f"{name}: same side", "mean change of P"))]
    return join_parts(
        "## Repeat consistency",
        "The 602 clean images again, a little changed: the share that stays on its side of the threshold, and "
        "how far calibrated P moves.",
        format_table(header, rows),
        name_command(command),
    )


def _find_tone(row: StoredRow) -> str:
    if row.image.skin_type or row.ita is None:
        return ""
    return name_skin_tone(row.ita)


def _find_age(row: StoredRow) -> str:
    try:
        age = float(row.image.age)
    except ValueError:
        return ""
    return next((name for low, high, name in _AGES if low <= age < high), "")
