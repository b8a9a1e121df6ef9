"""Does a picture, or a subclass, stand in two lists? By content hash, not by name."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.export.plan import Plan
from engine.likeness.hashes import MOST, near_pairs, same_content
from engine.likeness.prints import OnProgress, read_prints
from engine.splits.formulas import Flags, Integers
from engine.splits.matching import cut_pictures
from engine.splits.measure import Measured
from engine.splits.prepared import PreparedSplit, Tuned
from engine.workspace import Workspace
from store.connection import Cursor
from store.likeness.prints import fetch_paths, fetch_prints

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Leak:
    """Two pictures in two lists; distance is in bits of 64, None where their files are the same to the byte."""

    split: str
    path: str
    other_split: str
    other_path: str
    distance: int | None


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What was compared, and what was found.

    Attributes:
        listed: pictures that stand in a list.
        compared: those whose file was read.
        unreadable: those whose file is gone.
        leaks: pairs across lists.
        within: pairs of the same content within one list; no leak, but a picture that counts twice.
        shared_subclasses: wnids with pictures in two lists; none unless something is broken.
    """

    listed: int
    compared: int
    unreadable: int
    leaks: tuple[Leak, ...]
    within: int
    shared_subclasses: tuple[str, ...]


def find_leaks(
    workspace: Workspace,
    prepared: PreparedSplit,
    tuned: Tuned,
    measured: Measured,
    near: int | None = None,
    on_progress: OnProgress | None = None,
) -> LeakReport:
    """Read the file of every listed picture that was not read before, and compare.

    Args:
        workspace: open.
        prepared: the split.
        tuned: its cut.
        measured: its pictures, after the rules that act after the cut.
        near: also report pictures whose difference hashes differ in at most so many bits; None: copies only.
        on_progress: how far the reading is.
    """
    cut = cut_pictures(prepared, tuned, measured, {})
    missing = read_prints(workspace, measured.pictures.image_id[cut.is_kept], near is not None, on_progress)
    with workspace.opened().reading() as cursor:
        return compare(cursor, prepared, tuned, measured, near, missing)


def compare(
    cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured, near: int | None, unreadable: int = 0
) -> LeakReport:
    """The same with the prints that are there."""
    cut = cut_pictures(prepared, tuned, measured, {})
    ids, bands = measured.pictures.image_id[cut.is_kept], cut.band[cut.is_kept]
    prints = fetch_prints(cursor, ids)
    known = prints["image_id"].to_numpy()
    order = np.argsort(ids)
    band = bands[order][np.searchsorted(ids[order], known)] if len(known) else np.zeros(0, np.int64)
    same = same_content(prints) if len(known) else None
    found: list[tuple[int, int, int | None]] = []
    within = 0
    if same is not None:
        across = band[same.first] != band[same.second]
        within = int((~across).sum())
        found += [(int(a), int(b), None) for a, b in zip(same.first[across], same.second[across], strict=True)]
    if near is not None and len(known):
        found += _near(prints, band, near, {(a, b) for a, b, _ in found})
    paths = fetch_paths(cursor, [int(known[row]) for a, b, _ in found for row in (a, b)])
    leaks = [
        Leak(tuned.bands[band[a]], paths[int(known[a])], tuned.bands[band[b]], paths[int(known[b])], distance)
        for a, b, distance in found
    ]
    leaks.sort(key=lambda leak: (leak.distance is not None, leak.distance or 0, leak.path, leak.other_path))
    shared = _shared_subclasses(measured, cut.band, cut.is_kept)
    return LeakReport(len(ids), len(known), unreadable, tuple(leaks), within, shared)


def require_no_leaks(cursor: Cursor, plan: Plan) -> dict[str, Any]:
    """What a manifest says of leaks.

    Raises: EngineError if two lists share a picture by content, or a listed picture was not read yet.
    """
    report = compare(cursor, plan.prepared, plan.tuned, plan.measured, None)
    if report.compared < report.listed:
        raise EngineError(
            f"{report.listed - report.compared:,} of {report.listed:,} listed pictures were not read yet, so leaks "
            "cannot be excluded.",
            "`sood-tui splits leaks` reads them once; then export again.",
        )
    if report.leaks:
        shown = [f"  {one.split}: {one.path}  =  {one.other_split}: {one.other_path}" for one in report.leaks[:SHOWN]]
        raise EngineError(
            "\n".join([f"{len(report.leaks)} pair(s) of pictures are the same and stand in two lists:", *shown]),
            "`sood-tui splits rules --near-duplicates 0` leaves the one in the easier list out.",
        )
    return {"compared": report.compared, "same_content_within_a_list": report.within, "across_lists": 0}


def _near(
    prints: pa.Table, band: Integers, near: int, known: set[tuple[int, int]]
) -> list[tuple[int, int, int | None]]:
    seen = np.flatnonzero(prints["dhash"].is_valid().to_numpy())
    if not len(seen):
        return []
    hashes = prints["dhash"].to_numpy()[seen].astype(np.uint64)
    pairs = near_pairs(hashes, min(near, MOST))
    rows = zip(seen[pairs.first].tolist(), seen[pairs.second].tolist(), pairs.distance.tolist(), strict=True)
    return [(a, b, distance) for a, b, distance in rows if band[a] != band[b] and (a, b) not in known]


def _shared_subclasses(measured: Measured, band: Integers, is_kept: Flags) -> tuple[str, ...]:
    """Synsets whose pictures stand in more than one band."""
    codes = {wnid: code for code, wnid in enumerate(dict.fromkeys(pair.wnid for pair in measured.pairs))}
    code_of = np.array([codes[pair.wnid] for pair in measured.pairs], np.int64)
    sides = np.unique(np.stack([code_of[measured.pictures.place[is_kept]], band[is_kept]], axis=1), axis=0)
    names, counts = np.unique(sides[:, 0], return_counts=True)
    wnids = list(codes)
    return tuple(sorted(wnids[int(code)] for code in names[counts > 1]))
