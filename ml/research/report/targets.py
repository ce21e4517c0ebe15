"""Targets: what was aimed at, beside what was measured; held, or missed by how much."""

from dataclasses import dataclass

from ml.research.report.clinic import measure_consistency
from ml.research.report.measures import measure_part
from ml.research.report.sets import COMMAND, TEST, read_clean, read_other, read_seen, read_unseen
from ml.research.report.shortfalls import explain_shortfalls
from ml.research.report.stored import Network, Results
from ml.research.report.text import Estimate, format_table, join_parts, name_command, name_missing

_EXTERNAL = (
    ("ham10000-subset", "HAM10000, diagnoses seen"),
    ("isic2017-segmentation", "ISIC 2017, diagnoses seen"),
)
_GATE_SET = "660"
_HAIR = 0.0005


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """One target: `limit` is the least value, or the most when `at_most`; `measured` shows its interval."""

    words: str
    limit: float
    value: float
    measured: str
    at_most: bool = False
    share: bool = True

    @property
    def held(self) -> bool:
        """Whether the measured value, not its interval, keeps the limit."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    @property
    def verdict(self) -> str:
        """Return `held`, or by how much it is missed."""
        if self.held:
            return "held"
        gap = abs(self.value - self.limit)
        if gap < _HAIR:
            return "missed by less than the figures show"
        return f"missed by {100 * gap:.1f} points" if self.share else f"missed by {gap:.3f}"


def list_targets(results: Results, network: Network) -> list[ReportTarget]:
    """Return every target whose stored results are at hand, for `network`."""
    return [*_list_own(results, network), *_list_external(results, network), *_list_steady(results, network)]


def _list_own(results: Results, network: Network) -> list[ReportTarget]:
    everything, clean, unseen = network.read_part(TEST), read_clean(network), read_unseen(network)
    if everything is None or clean is None or unseen is None:
        return []
    figures = measure_part(everything, network.policy, rounds=results.rounds)
    cleaned = measure_part(clean, network.policy, rounds=results.rounds)
    drop = figures["accuracy_half"].value - cleaned["accuracy_half"].value
    first = measure_part(unseen, network.policy, rounds=results.rounds)
    return [
        *([_judge("AUC on the 530 ≥ 0.972", 0.972, first["auc"])] if "auc" in first else []),
        _judge("AUC on the 602 ≥ 0.970", 0.970, cleaned["auc"]),
        _judge("Accuracy on the 602 (P ≥ 0.5) ≥ 91.5 %", 0.915, cleaned["accuracy_half"]),
        _judge("Accuracy on the 660 (P ≥ 0.5) ≥ 93.2 %", 0.932, figures["accuracy_half"]),
        _judge("AUC on the 660 ≥ 0.975", 0.975, figures["auc"]),
        ReportTarget(
            "Accuracy on the 602 at most 1.5 points less",
            0.015,
            drop,
            f"{round(100 * drop, 1) + 0.0:.1f} points less",
            at_most=True,
        ),
        _judge("Specificity at 95 % sensitivity on the 602 ≥ 85 %", 0.85, cleaned["specificity_95"]),
        _judge("Calibration error (ECE) on the 602 ≤ 0.03", 0.03, cleaned["ece"], at_most=True),
    ]


def _list_external(results: Results, network: Network) -> list[ReportTarget]:
    targets = []
    for name, title in _EXTERNAL:
        part = read_seen(network, name)
        if part and part.y.any() and not part.y.all():
            auc = measure_part(part, network.policy, rounds=results.rounds)["auc"]
            targets.append(_judge(f"AUC on {title} ≥ 0.85", 0.85, auc))
    other = read_other(network, "ham10000-subset")
    if other and other.y.any() and not other.y.all():
        auc = measure_part(other, network.policy, rounds=results.rounds)["auc"]
        targets.append(_judge("AUC on HAM10000, other lesions, all diagnoses ≥ 0.945", 0.945, auc))
    return targets


def _list_steady(results: Results, network: Network) -> list[ReportTarget]:
    targets = []
    shares = {name: share for name, (share, _) in measure_consistency(network, results.rounds).items()}
    if shares:
        worst = min((name for name in shares if name != "all"), key=lambda name: shares[name].value)
        targets.append(_judge("Repeat consistency, all variants together ≥ 98 %", 0.98, shares["all"]))
        words = f"Repeat consistency, worst variant ({worst.replace('_', ' ')}) ≥ 98 %"
        targets.append(_judge(words, 0.98, shares[worst]))
    gates = results.read_json("gates.json")
    for row in gates["sets"] if gates else []:
        if row["kind"] == "dermoscopy" and _GATE_SET in row["name"]:
            rate = Estimate(**row["rate"])
            targets.append(_judge("False refusals of the gates on the 660 ≤ 3 %", 0.03, rate, at_most=True))
    return targets


def _judge(words: str, limit: float, figure: Estimate, *, at_most: bool = False) -> ReportTarget:
    return ReportTarget(words, limit, figure.value, str(figure), at_most, figure.share)


def write_targets(results: Results) -> str:
    """Write the table of targets for the default network."""
    heading = "## Targets"
    if not results.networks:
        return join_parts(heading, name_missing("this table", COMMAND))
    network = results.networks[0]
    targets = list_targets(results, network)
    held = sum(target.held for target in targets)
    missed = {target.words: target.limit for target in targets if not target.held}
    why = explain_shortfalls(results, network, missed)
    return join_parts(
        heading,
        f"`{network.name}` holds {held} of {len(targets)}. A target is held by the measured value; the interval "
        "says how sure that is.",
        format_table(
            ["Target", "Measured", ""], [[each.words, each.measured, each.verdict] for each in targets]
        ),
        why
        and f"What the figures say about the misses (what was tried: [What was tried](#what-was-tried)):\n\n{why}",
        name_command(COMMAND),
    )
