"""What the runs say about the paper's claims, worked out from the numbers, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.evaluation.metrics import measure_wilson
from ml.research.reproduction.groups import RunGroup, SeedEstimate, estimate_difference, is_constant

PARTS = {
    "running_accuracy": "accuracy on train images during the last epoch (as Keras prints it)",
    "train_accuracy": "accuracy on the train images after the last epoch",
    "test_accuracy": "accuracy on the test images after the last epoch",
}


@dataclass(frozen=True, slots=True)
class Published:
    """What the paper gives for one network: its name there, parameters and accuracy in [0, 1]."""

    title: str
    parameters: int
    accuracy: float


PUBLISHED = {
    "paper-cnn-1": Published("CNN-1", 6_427_745, 0.93),
    "paper-cnn-2": Published("CNN-2", 2_797_665, 0.74),
}
LARGER, SMALLER = "paper-cnn-1", "paper-cnn-2"


def format_share(estimate: SeedEstimate) -> str:
    """Return a share as "91.8 % (90.1 to 93.5)", or "91.8 % (one seed)" without an interval.

    The interval is cut off at 0 and 100.
    """
    if estimate.low is None or estimate.high is None:
        return f"{percent(estimate.mean)} (one seed)"
    low, high = (min(1.0, max(0.0, end)) for end in (estimate.low, estimate.high))
    return f"{percent(estimate.mean)} ({100 * low:.1f} to {100 * high:.1f})"


def percent(share: float, digits: int = 1) -> str:
    """Return a share in [0, 1] as "91.8 %"."""
    return f"{100 * share:.{digits}f} %"


def describe_published(groups: Sequence[RunGroup]) -> list[str]:
    """Return one paragraph for each published accuracy: what it most resembles here."""
    return [_describe_one(groups, name) for name in PUBLISHED]


def describe_constant(groups: Sequence[RunGroup]) -> list[str]:
    """Return what to know of runs that learnt nothing, a paragraph; empty when there is none."""
    constant = [run for group in groups for run in group.runs if is_constant(run)]
    if not constant:
        return []
    names = ", ".join(f"`{run['name']}`" for run in constant)
    rest = [left for group in groups if (left := group.leave_out_constant()).runs]
    words = (
        f"**{len(constant)} of {sum(len(group.runs) for group in groups)} runs learnt nothing** ({names}): after "
        "the last epoch they give every image the same class, so their accuracy is the share of that class. "
        "They count in every mean and interval of this section, since a reader who trains once may draw one. "
        f"That is {'; '.join(_count_lost_seeds(groups))}."
    )
    if not rest:
        return [words]
    return [
        words,
        "Without them, accuracy on test: "
        + "; ".join(
            f"{PUBLISHED[group.architecture].title} at {group.iterations} iterations "
            f"{_show_seeds(group.estimate('test_accuracy'))}"
            for group in rest
        )
        + ".",
    ]


def _count_lost_seeds(groups: Sequence[RunGroup]) -> list[str]:
    """One start serves all numbers of iterations, so seeds are counted, not runs."""
    told = []
    for name, published in PUBLISHED.items():
        runs = [run for group in groups if group.architecture == name for run in group.runs]
        seeds = {run["seed"] for run in runs}
        lost = {run["seed"] for run in runs if is_constant(run)}
        if seeds:
            low, high = measure_wilson(len(lost), len(seeds))
            told.append(
                f"{published.title} at {len(lost)} of {len(seeds)} seeds (Wilson {100 * low:.0f} to {100 * high:.0f} %)"
            )
    return told


def _show_seeds(estimate: SeedEstimate) -> str:
    if estimate.low is None:
        return format_share(estimate)
    return f"{format_share(estimate)}, {estimate.count} seeds"


def describe_comparison(groups: Sequence[RunGroup]) -> list[str]:
    """Return whether accuracy follows the number of parameters: a sentence a setting, a verdict."""
    sides = [{g.iterations: g for g in groups if g.architecture == name} for name in (LARGER, SMALLER)]
    shared = sorted(sides[0].keys() & sides[1].keys())
    differences = {
        count: difference
        for count in shared
        if (difference := estimate_difference(sides[0][count], sides[1][count], "test_accuracy"))
    }
    if not differences:
        return ["Both networks have not finished a run of the same seed: nothing can be compared yet."]
    lines = []
    for count, difference in differences.items():
        trained = estimate_difference(sides[0][count], sides[1][count], "train_accuracy")
        lines.append(
            f"At {count} iterations the larger network, {PUBLISHED[LARGER].title}, differs from the "
            f"smaller by {_format_points(difference)} on the test images and by "
            f"{_format_points(trained or difference)} on the train images."
        )
        learnt = [side[count].leave_out_constant() for side in sides]
        among = estimate_difference(learnt[0], learnt[1], "test_accuracy")
        if among and among.count < difference.count:
            lines.append(
                f"Over the seeds at which both learnt it is {_format_points(among)} on the test images."
            )
    return [*lines, _judge_order(list(differences.values()))]


def describe_sampling(groups: Sequence[RunGroup]) -> str:
    """Return what the intervals over seeds leave out: which images the test set happens to hold."""
    best = max(groups, key=lambda group: group.estimate("test_accuracy").mean)
    images = int(best.runs[0]["final"]["test_images"])
    share = best.estimate("test_accuracy").mean
    low, high = measure_wilson(round(share * images), images)
    return (
        f"Intervals are Student's t over seeds: how much training alone moves a figure. They leave out "
        f"which {images} images were drawn for the test: for {percent(share)} of {images} that alone is "
        f"an interval of {100 * low:.1f} to {100 * high:.1f} (Wilson)."
    )


def _describe_one(groups: Sequence[RunGroup], name: str) -> str:
    published = PUBLISHED[name]
    value = published.accuracy
    learnt = [left for group in groups if (left := group.leave_out_constant()).runs] or list(groups)
    candidates = [(group, part, group.estimate(part)) for group in learnt for part in PARTS]
    group, part, estimate = min(candidates, key=lambda one: abs(one[2].mean - value))
    inside = {True: "holds", False: "does not hold"}[estimate.holds(value)]
    words = (
        f"**The paper's {percent(value, 0)} for {published.title}** lies nearest to "
        f"{PUBLISHED[group.architecture].title}'s {PARTS[part]} at {group.iterations} iterations: "
        f"{format_share(estimate)}, {100 * abs(estimate.mean - value):.1f} points away"
    )
    if sum(len(one.runs) for one in learnt) < sum(len(one.runs) for one in groups):
        words += " (runs that learnt nothing left out)"
    words += "." if estimate.low is None else f"; the interval {inside} it."
    own = [one for one in groups if one.architecture == name]
    if not own:
        return f"{words} {published.title} itself has no finished run."
    epochs = [accuracy for one in own for history in one.list_epochs("test_accuracy") for accuracy in history]
    near = sum(abs(accuracy - value) <= 0.01 for accuracy in epochs)
    return (
        f"{words} {published.title}'s own test accuracy is {_list_shares(own, 'test_accuracy')} and its "
        f"train accuracy {_list_shares(own, 'train_accuracy')}. Over all {len(epochs)} epochs of its "
        f"finished runs ({sum(len(one.runs) for one in own)}) the test accuracy lies between {percent(min(epochs))} and "
        f"{percent(max(epochs))}; within one point of {percent(value, 0)} in {near} of them."
    )


def _list_shares(groups: Sequence[RunGroup], part: str) -> str:
    return " and ".join(f"{format_share(g.estimate(part))} at {g.iterations} iterations" for g in groups)


def _judge_order(differences: Sequence[SeedEstimate]) -> str:
    claim = "**That accuracy follows the number of parameters"
    if any(difference.low is None for difference in differences):
        return (
            f"{claim} can be neither shown nor refuted with one seed of a setting**: there is no telling "
            f"the networks' difference from that of two seeds."
        )
    signs = {_find_sign(difference) for difference in differences}
    if signs == {1}:
        return f"{claim} holds in these runs**: the larger network is the better one on the test images."
    if signs == {-1}:
        return f"{claim} does not hold, it is the reverse**: the smaller network is the better one on test."
    if signs == {0}:
        return (
            f"{claim} is not shown by these runs**: every interval of the difference on the test images "
            f"holds zero, so the networks cannot be told apart with this many seeds."
        )
    return (
        f"{claim} is not shown by these runs**: the difference on the test images is not the same at "
        f"every number of iterations."
    )


def _find_sign(difference: SeedEstimate) -> int:
    if difference.holds(0):
        return 0
    return 1 if difference.mean > 0 else -1


def _format_points(estimate: SeedEstimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{100 * estimate.mean:+.1f} points (one seed)"
    return f"{100 * estimate.mean:+.1f} points ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"
