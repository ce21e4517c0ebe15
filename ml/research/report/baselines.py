"""Section of the earlier systems of the paper's literature, and of what image improvement changes."""

from collections.abc import Mapping
from typing import Any, Final

from ml.datasets.sources import COUNTED
from ml.research.baselines.improvement import STAGES
from ml.research.baselines.runs import FROM_SCRATCH
from ml.research.baselines.systems import SYSTEMS, BaselineSystem
from ml.research.baselines.trial import NAME, NETWORKS
from ml.research.report import sets
from ml.research.report.measures import measure_part
from ml.research.report.stored import Network, Results
from ml.research.report.text import Estimate, format_share, format_table, join_parts, name_command
from ml.research.report.travel import write_recipes
from ml.research.reproduction.conclusions import PUBLISHED
from ml.training.backbones import BACKBONES

COMMAND: Final = "python -m ml baselines"
FOLDER: Final = "baselines"
_NOT_RUN: Final = "not run yet"
_PARTS: Final = {
    "unseen": "530",
    "clean": "602",
    "test": "660",
    "isic2020": "ISIC 2020",
    "msk": "MSK",
    "uda": "UDA",
}
_HEADER: Final = (
    "System",
    "Network starts from",
    "Claimed accuracy",
    "Accuracy on the 660",
    "Accuracy on the 602",
    "AUC on the 530",
    "AUC on the 602",
    "AUC on the 660",
    "AUC, sources left out: mean",
    "worst",
    "Numbers kept",
    "MB",
    "Training, CPU s",
    "A picture, CPU ms",
)
Stored = Mapping[str, Any]


def write_baselines(results: Results) -> str:
    """Write the earlier systems beside the networks that ship, and the trial of image improvement."""
    stored = {name: results.read_json(f"{FOLDER}/{name}.json") for name in SYSTEMS}
    found = {name: record for name, record in stored.items() if record}
    rows = [_list_network(results, network) for network in results.networks if network.name in PUBLISHED]
    rows += [_list_system(system, stored[name]) for name, system in SYSTEMS.items()]
    rows += [_list_network(results, network) for network in results.networks if network.name not in PUBLISHED]
    recipes = [
        {**record, "recipe": name, "description": SYSTEMS[name].title}
        for name, record in found.items()
        if record["by_source"] or "lesions" in record
    ]
    return join_parts(
        "## The earlier systems",
        "What the literature before the paper built, built again here and measured on the same images. Every system "
        "learned from the paper's 2,637 train images for the figures on its test images, and from all other sources "
        "for those on a source left out, with the hold-outs and folds of `python -m ml sources`. Nothing was tuned on "
        "either. *Claimed* is what the paper says of its own two networks; for the systems before it the project has "
        "no figure that it could name a source of, so none stands there. Accuracy at the system's own cut: P ≥ 0.5, or "
        "the right side of a support vector machine's boundary. Times are of one processor, both threads added, "
        "training without the features that are computed once.",
        format_table(_HEADER, rows),
        _describe_fall(found),
        _list_missing(found),
        "Each source left out, as in [On a source left out](#on-a-source-left-out):" if recipes else "",
        write_recipes(recipes) if recipes else "",
        name_command(COMMAND),
        write_improvement(results),
    )


def _list_network(results: Results, network: Network) -> list[object]:
    parts = {
        "unseen": sets.read_unseen(network),
        "clean": sets.read_clean(network),
        "test": network.read_part(sets.TEST),
    }
    measured = {
        name: measure_part(part, network.policy, rounds=results.rounds) if part else {}
        for name, part in parts.items()
    }
    published = PUBLISHED.get(network.name)
    parameters = network.record["parameters"]
    return [
        f"**{published.title}** of the paper"
        if published
        else f"**{network.name}** {network.record['version']}",
        FROM_SCRATCH if published else "ImageNet, fine-tuned",
        format_share(published.accuracy, 0) if published else None,
        *(measured[name].get("accuracy_half") for name in ("test", "clean")),
        *(measured[name].get("auc") for name in ("unseen", "clean", "test")),
        *(None, None),
        *_show_size(parameters),
        *(None, None),
    ]


def _list_system(system: BaselineSystem, record: Stored | None) -> list[object]:
    title = system.title[0].upper() + system.title[1:]
    claimed = None if system.claimed is None else format_share(system.claimed, 0)
    if record is None:
        start = _name_start(system)
        return [title, start, claimed, *[_NOT_RUN if start == _NOT_RUN else None] * 7, *[None] * 4]
    figures = record.get("figures", {})
    shown = [_show(figures.get(part), "accuracy") for part in ("test", "clean")]
    shown += [_show(figures.get(part), "auc") for part in ("unseen", "clean", "test")]
    seconds = record["seconds"].get("paper")
    return [
        title,
        _describe_start(record),
        claimed,
        *shown,
        *(
            f"{record[key]:.3f}" if record.get("counted", 0) == len(COUNTED) else _NOT_RUN
            for key in ("mean", "worst")
        ),
        *_show_size(record["parameters"]),
        seconds,
        record["milliseconds"],
    ]


def _name_start(system: BaselineSystem) -> str:
    """Say why a system has no figures: without weights its frozen features would be of random numbers."""
    backbone = BACKBONES.get(system.network)
    if backbone and not backbone.weights_file and not system.random_size:
        return "no file of ImageNet weights at hand; random numbers would say nothing of it"
    return _NOT_RUN


def _describe_start(record: Stored) -> str:
    if record["start"] == FROM_SCRATCH:
        plan = record["alexnet"]
        images = plan["epochs"] * plan["steps"] * plan["batch_size"]
        return f"{FROM_SCRATCH} at {plan['input_size']} pixels on {images:,} drawn images"
    if record["start"] == "random":
        return f"**random numbers**, never trained, at {record['input_size']} pixels (no file of weights at hand)"
    return "ImageNet" if record["start"] else "no network"


def _show(part: Stored | None, name: str) -> object:
    if part is None:
        return _NOT_RUN
    return Estimate(**part[name], share=name == "accuracy")


def _show_size(parameters: int | None) -> tuple[object, object]:
    """Return the count of numbers and the megabytes they take as float32."""
    return (None, None) if parameters is None else (f"{parameters:,}", f"{parameters * 4 / 1e6:.2f}")


def _describe_fall(found: Mapping[str, Stored]) -> str:
    """Say how far each system's AUC falls from the paper's test images to sources left out."""
    told = [
        f"{SYSTEMS[name].title} from {record['figures']['unseen']['auc']['value']:.3f} to {record['mean']:.3f}"
        for name, record in found.items()
        if "unseen" in record.get("figures", {}) and record.get("counted", 0) == len(COUNTED)
    ]
    if not told:
        return ""
    return f"AUC on the 530 and its mean over sources left out: {'; '.join(told)}."


def _list_missing(found: Mapping[str, Stored]) -> str:
    """Say what is still to be done, from what is stored."""
    missing = {name: record["missing"] for name, record in found.items() if record["missing"]}
    if not missing:
        return ""
    told = "; ".join(f"{SYSTEMS[name].title}: {', '.join(fits)}" for name, fits in missing.items())
    return f"Not run yet, and gone on with by `{COMMAND}`: {told}."


# --- Image improvement


def write_improvement(results: Results) -> str:
    """Write what each stage changes of each network's AUC, part by part, and whether it helps."""
    record = results.read_json(f"{FOLDER}/{NAME}.json")
    heading = "### Image improvement as a stage"
    command = f"{COMMAND} --only {NAME}"
    if not record:
        return join_parts(heading, f"Not measured yet: this table would come from `{command}`.")
    gains: dict[tuple[str, str], dict[str, Stored]] = {}
    for row in record["gains"]:
        gains.setdefault((row["network"], row["stage"]), {})[row["part"]] = row
    parts = [part for part in _PARTS if any(part in each for each in gains.values())]
    rows = [
        [network, STAGES[stage][0], *(_show_gain(each.get(part)) for part in parts), _judge(each)]
        for (network, stage), each in sorted(gains.items(), key=_order)
    ]
    counts = {row["part"]: row["images"] for row in record["gains"]}
    plain = {(row["network"], row["part"]): row["plain"] for row in record["gains"]}
    without = [
        [network, "none (AUC)", *(_show_auc(plain.get((network, part))) for part in parts), ""]
        for network in NETWORKS
        if any(key[0] == network for key in plain)
    ]
    titles = [f"{_PARTS[part]} ({counts[part]})" for part in parts]
    times = ", ".join(f"{STAGES[name][0]} {value:.0f} ms" for name, value in record["milliseconds"].items())
    return join_parts(
        heading,
        "Hair removal, colour constancy and contrast stand at the beginning of most of the older systems. Here each is "
        "put before the networks that ship, which were trained without it, on the same pictures with and without: the "
        "change of the AUC, with the 95 % interval of a paired bootstrap by lesion. ISIC 2020, MSK and UDA are images of "
        "extra-train-2, from which no shipped network has learned (of MSK and UDA the paper's train split holds other, "
        "malignant ones): the first of each class by SHA-256. The default network in "
        f"one view of its four. Processor time of a picture of 224 pixels: {times}.",
        format_table(["Network", "Stage", *titles, "Helps"], [*without, *rows]),
        _conclude(gains),
        name_command(command),
    )


def _order(item: tuple[tuple[str, str], Any]) -> tuple[int, int]:
    network, stage = item[0]
    return NETWORKS.index(network), list(STAGES).index(stage)


def _show_gain(row: Stored | None) -> str | None:
    if row is None:
        return None
    gain = row["gain"]
    return f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"


def _show_auc(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _judge(parts: Mapping[str, Stored]) -> str:
    """Return `yes` where a stage surely helps on the unseen lesions or a source and surely harms nowhere."""
    intervals = [row["gain"] for part, row in parts.items() if part in _PARTS]
    if any(each["high"] < 0 for each in intervals):
        return "no: harms"
    return "yes" if any(each["low"] > 0 for each in intervals) else "not shown"


def _conclude(gains: Mapping[tuple[str, str], Mapping[str, Stored]]) -> str:
    helping = [
        f"{STAGES[stage][0]} before {network}"
        for (network, stage), parts in gains.items()
        if _judge(parts) == "yes"
    ]
    rule = (
        "A stage would ship where its gain is above zero on some part with its whole interval, and below zero with its "
        "whole interval on none."
    )
    if not helping:
        return f"{rule} None is: no stage ships."
    return (
        f"{rule} That holds for {'; '.join(helping)}. With so many intervals a few lie above zero by chance alone, so "
        f"before it ships it has to hold on other images too; nothing that serves patients uses a stage now."
    )
