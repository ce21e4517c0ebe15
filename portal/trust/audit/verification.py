"""Tamper evidence: check the chains against what the anchors said of them earlier."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from portal.trust.audit.anchors import describe, read_published, sign
from portal.trust.audit.models import GENESIS, AuditAnchor, AuditChain, digest_anchor
from portal.trust.audit.services import Break

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANCHORS = "anchors"
DIGESTED = ("position", "made_at", "heads", "previous_digest")
CHUNK = 500

Heads = dict[str, dict[int, str]]


def verify_anchors() -> Iterator[Break]:
    """Yield each anchor that was changed or is gone, and each event that an anchor knows otherwise.

    Rewriting a chain with new hashes, or cutting off its newest events together with its head,
    leaves the chain whole in itself: only what was anchored before still tells.
    """
    known: Heads = {}
    digests: dict[int, str] = {}
    stored = AuditAnchor.objects.order_by("position").iterator(chunk_size=CHUNK)
    yield from _walk((describe(anchor) for anchor in stored), known, digests, "the table")
    in_table = dict(digests)
    yield from _walk(read_published(), known, digests, "the file")
    for position in sorted(digests):
        if position not in in_table:
            yield Break(ANCHORS, position, "this anchor of the file is missing in the table")
        elif in_table[position] != digests[position]:
            yield Break(ANCHORS, position, "the file and the table differ")
    for key in sorted(known):
        yield from _compare(key, known[key])


def _walk(
    anchors: Iterator[dict[str, Any]], known: Heads, digests: dict[int, str], place: str
) -> Iterator[Break]:
    """Check anchors in their order, and collect what they say of each chain."""
    expected, previous = 1, GENESIS
    for anchor in anchors:
        if not {*DIGESTED, "digest"} <= set(anchor):
            yield Break(ANCHORS, expected, f"a line of {place} can't be read")
            expected += 1
            continue
        position = int(anchor["position"])
        if position != expected:
            yield Break(ANCHORS, expected, f"an anchor is missing in {place}")
        elif anchor["previous_digest"] != previous:
            yield Break(ANCHORS, position, f"it does not follow the anchor before it in {place}")
        if digest_anchor(**{name: anchor[name] for name in DIGESTED}) != anchor["digest"]:
            yield Break(ANCHORS, position, f"its content was changed in {place}")
        elif not _is_signed(anchor):
            yield Break(ANCHORS, position, f"its signature does not fit in {place}")
        for key, (at, found) in anchor["heads"].items():
            known.setdefault(key, {}).setdefault(at, found)
        digests[position] = anchor["digest"]
        expected, previous = position + 1, anchor["digest"]


def _is_signed(anchor: Mapping[str, Any]) -> bool:
    """An anchor made before there was a key has no signature; one that has it must fit."""
    found = str(anchor.get("signature", ""))
    expected = sign(anchor["digest"])
    return not found or not expected or hmac.compare_digest(found, expected)


def _compare(key: str, heads: dict[int, str]) -> Iterator[Break]:
    chain = AuditChain.objects.filter(key=key).first()
    if chain is None:
        yield Break(key, max(heads), "the whole chain is missing; an anchor knows it")
        return
    positions = sorted(position for position in heads if position)
    for start in range(0, len(positions), CHUNK):
        part = positions[start : start + CHUNK]
        found = dict(chain.events.filter(position__in=part).values_list("position", "hash"))
        for position in part:
            if position not in found:
                yield Break(key, position, "an anchor knows an event here, and it is missing")
            elif found[position] != heads[position]:
                yield Break(key, position, "an anchor knows another event here")
