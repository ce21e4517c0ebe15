"""Sections of the image sets, in the order of trust: the clean images first."""

import numpy as np

from ml.datasets.image_sets import SETS, find_seen_diagnoses
from ml.research.report.measures import TITLES, measure_part, measure_share
from ml.research.report.stored import Network, ReportPart, Results
from ml.research.report.text import Estimate, format_table, join_parts, name_command, name_missing

COMMAND = "python -m ml evaluate --sets all"
TEST = "fanconi-test"
_CLASS_ROWS = ("answered", "sensitivity", "missed", "specificity", "alarmed")


def read_unseen(network: Network) -> ReportPart | None:
    """Return the 530 test images whose lesion is nowhere in train, by picture or by ISIC's ids."""
    part = network.read_part(TEST)
    return part and part.keep(lambda row: "unseen" in row.image.tags.split())


def read_clean(network: Network) -> ReportPart | None:
    """Return the 602 test images without a near duplicate in train; 72 of them still show a lesion of train."""
    part = network.read_part(TEST)
    return part and part.keep(lambda row: "clean" in row.image.tags.split())


def read_within_source(network: Network) -> ReportPart | None:
    """Return the unseen test images recognised as HAM10000's: naevi and melanomas of one archive."""
    part = read_unseen(network)
    return part and part.keep(lambda row: "ham10000" in row.image.tags.split())


def read_seen(network: Network, name: str) -> ReportPart | None:
    """Return the images of a set whose diagnosis the network has been trained on, and whose lesion it hasn't."""
    seen = find_seen_diagnoses(network.training_sets)
    part = read_other(network, name)
    return part and part.keep(lambda row: row.image.diagnosis in seen)


def read_other(network: Network, name: str) -> ReportPart | None:
    """Return the images of a set that show no lesion of the paper's train split."""
    part = network.read_part(name)
    return part and part.keep(lambda row: "repeats_train" not in row.image.tags.split())


def guess_source(part: ReportPart) -> dict[str, Estimate]:
    """Return the shares of the rule that looks at no lesion: HAM10000 is benign, all else malignant."""
    known = np.array(["ham10000" in row.image.tags.split() for row in part.rows], dtype=bool)
    hits = {"accuracy": known != part.y, "sensitivity": ~known[part.y], "specificity": known[~part.y]}
    lesions = {
        "accuracy": part.lesions,
        "sensitivity": [name for name, y in zip(part.lesions, part.y, strict=True) if y],
        "specificity": [name for name, y in zip(part.lesions, part.y, strict=True) if not y],
    }
    return {name: measure_share(values, lesions[name]) for name, values in hits.items() if values.size}


def tabulate(results: Results, parts: list[tuple[Network, ReportPart | None]], *, rule: bool = False) -> str:
    """Return a table of TITLES, one column a network, and one of the source-only rule if asked."""
    held = [(network, part) for network, part in parts if part and part.p.size]
    if not held:
        return name_missing("this table", COMMAND)
    columns = {
        network.name: measure_part(part, network.policy, rounds=results.rounds) for network, part in held
    }
    counts = [part.count() for _, part in held]
    if rule:
        columns["source-only rule"] = guess_source(held[0][1])
        counts.append(held[0][1].count())
    rows: list[list[object]] = [["Images", *counts]]
    for name, title in TITLES.items():
        cells = [figures.get(name) for figures in columns.values()]
        if any(cells):
            rows.append([title, *cells])
    return format_table(["", *columns], rows)


def write_unseen(results: Results) -> str:
    """Write the section of the 530 test images whose lesion is nowhere in train."""
    return join_parts(
        "## The 530 test images of unseen lesions",
        "The test images whose lesion is not in train, neither by picture nor by ISIC's lesion ids. Of all figures "
        "on the paper's set, read these. The last column looks at no lesion: it calls an image benign if it was "
        "recognised as HAM10000's, and malignant if not.",
        tabulate(results, [(each, read_unseen(each)) for each in results.compared], rule=True),
        name_command(COMMAND),
    )


def write_clean(results: Results) -> str:
    """Write the section of the 602 test images without a near duplicate in train."""
    return join_parts(
        "## The 602 clean test images",
        "The test images without a near duplicate in train, as reported until now. 72 of them (17 benign, 55 "
        "malignant) still show a lesion of train in another shot.",
        tabulate(results, [(each, read_clean(each)) for each in results.compared], rule=True),
        name_command(COMMAND),
    )


def write_within(results: Results) -> str:
    """Write the section of the part that comes from one archive."""
    return join_parts(
        "## Within one source",
        "HAM10000 naevi against HAM10000 melanomas, of the unseen lesions. All come from one archive, so knowing "
        "the archive helps nobody here.",
        tabulate(results, [(each, read_within_source(each)) for each in results.compared]),
        name_command(COMMAND),
    )


def write_all(results: Results) -> str:
    """Write the section of all 660 test images."""
    return join_parts(
        "## All 660 test images",
        "To compare with published results. 130 of these images show a lesion that is also in train.",
        tabulate(results, [(each, each.read_part(TEST)) for each in results.compared], rule=True),
        _compare_rule(results),
        name_command(COMMAND),
    )


def write_external(results: Results) -> str:
    """Write the sections of the external sets."""
    texts = ["## External sets"]
    for name, image_set in SETS.items():
        if name == TEST:
            continue
        texts += [f"### {image_set.title}", f"{image_set.note[0].upper()}{image_set.note[1:]}."]
        if name in ("ham10000-subset", "isic2017-segmentation"):
            texts += _write_both(results, name)
        else:
            texts.append(_tabulate_classes(results, name))
        if name == "isic-archive-dermoscopic":
            texts.append(_write_repeats(results))
    return join_parts(*texts, name_command(COMMAND))


def _write_both(results: Results, name: str) -> list[str]:
    whole = [(each, read_other(each, name)) for each in results.compared]
    seen = [(each, read_seen(each, name)) for each in results.compared]
    texts = ["Diagnoses that each network has been trained on:", tabulate(results, seen)]
    if any(
        part and some and len(part.rows) != len(some.rows)
        for (_, part), (_, some) in zip(whole, seen, strict=True)
    ):
        texts += ["All diagnoses, seen or not:", tabulate(results, whole)]
    return texts


def _tabulate_classes(results: Results, name: str) -> str:
    parts = [(each, part) for each in results.compared if (part := each.read_part(name)) and part.p.size]
    if not parts:
        return name_missing("this table", COMMAND)
    columns = {}
    for network, part in parts:
        figures = (
            {}
            if part.y.all()
            else measure_part(part.keep(lambda row: row.scored.label == "benign"), network.policy)
        )
        if part.y.any():
            malignant = part.keep(lambda row: row.scored.label == "malignant")
            figures |= measure_part(malignant, network.policy, rounds=results.rounds)
        figures |= {"answered": _measure_answered(network, part, results.rounds)}
        columns[network.name] = figures
    rows: list[list[object]] = [["Images", *(part.count() for _, part in parts)]]
    rows += [
        [TITLES[key], *cells]
        for key in _CLASS_ROWS
        if any(cells := [figures.get(key) for figures in columns.values()])
    ]
    return format_table(["", *columns], rows)


def _measure_answered(network: Network, part: ReportPart, rounds: int) -> Estimate:
    policy = network.policy
    return measure_share(
        (part.p < policy.refer_low) | (part.p > policy.refer_high), part.lesions, rounds=rounds
    )


def _write_repeats(results: Results) -> str:
    rows = []
    for network in results.compared:
        part = network.read_part("isic-archive-dermoscopic")
        if part is None:
            continue
        shots: dict[str, list[float]] = {}
        for lesion, p in zip(part.lesions, part.p.tolist(), strict=True):
            shots.setdefault(lesion, []).append(p)
        repeated = [values for values in shots.values() if len(values) > 1]
        same = np.array([len({p >= network.policy.threshold for p in values}) == 1 for values in repeated])
        spread = float(np.mean([np.std(values, ddof=1) for values in repeated]))
        share = measure_share(same, [str(index) for index in range(len(same))])
        rows.append([network.name, len(repeated), sum(map(len, repeated)), share, f"{spread:.3f}"])
    if not rows:
        return ""
    return join_parts(
        "Repeated shots of one lesion: does every shot fall on the same side of the threshold?",
        format_table(["", "Lesions", "Shots", "All shots alike", "Mean spread of P (SD)"], rows),
    )


def _compare_rule(results: Results) -> str:
    parts = [part for each in results.networks if (part := each.read_part(TEST))]
    if not parts:
        return ""
    share = guess_source(parts[0])["accuracy"]
    return (
        f"The source-only rule reaches {share} here; a public audit with more of the archive at hand put such a "
        "rule at 78.2 %. It knows nothing of lesions: the gain of a network is what it has beyond that."
    )
