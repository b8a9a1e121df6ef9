"""The same picture twice among what was accepted: found by content, settled by a rule, as one step."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.likeness.hashes import MOST, Pairs, groups, near_pairs, same_content
from engine.likeness.prints import OnProgress, read_prints
from engine.review.decisions import require_superclass
from engine.review.steps import Step, record_pictures
from engine.splits.formulas import Integers
from engine.workspace import Workspace
from store.connection import Cursor
from store.paths import path_of_text
from store.picture_prints import fetch_prints
from store.review_duplicates import RivalPicture, fetch_listed_pictures, fetch_rivals
from store.review_pictures import fetch_marks_of, fetch_named_pictures

Keep = Literal["nearest", "score", "larger", "first"]
KEEPS: tuple[Keep, ...] = get_args(Keep)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A picture that goes, and the one that stays in its stead.

    Attributes:
        kind: exact (the same file, or the same decoded pixels) or near (their hashes differ in distance bits).
        stays, goes: image_id; stays_picture, goes_picture: ROOT/PATH.
        is_across: whether they stand under two synsets.
        stays_pixels, goes_pixels: width times height; None where a picture could not be decoded.
    """

    kind: Literal["exact", "near"]
    distance: int
    stays: int
    stays_picture: str
    stays_wnid: str
    stays_pixels: int | None
    goes: int
    goes_picture: str
    goes_wnid: str
    goes_pixels: int | None
    is_across: bool


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a search found.

    Attributes:
        listed: pictures of accepted candidates; compared: those whose file could be read; unreadable: the others.
        pairs: one for each picture that would go.
    """

    listed: int
    compared: int
    unreadable: int
    pairs: tuple[Duplicate, ...]


def find_duplicates(
    workspace: Workspace,
    keep: Keep = "larger",
    near: int | None = None,
    superclass: str | None = None,
    run_id: int | None = None,
    on_progress: OnProgress | None = None,
) -> Duplicates:
    """Read every accepted picture that was not read before, and tell which are the same.

    Whatever goes is itself the same as what stays in its stead: likeness is never handed on from one to the next.

    Args:
        workspace: open.
        keep: nearest (fewest steps below a superclass), score (highest similarity in the run), larger (most pixels) or
            first (by root and path); what the rule leaves equal is kept by root and path.
        near: also those whose difference hashes differ in at most so many of 64 bits; None: exact ones only.
        superclass: only among its candidates.
        run_id: the scoring run of the rule score.
        on_progress: how far the reading is.

    Raises: EngineError for another number of bits, an unknown superclass, or the rule score without a run.
    """
    if near is not None and not 0 <= near <= MOST:
        raise EngineError(f"Near-duplicates differ in 0 to {MOST} of 64 bits, not in {near}.")
    if keep == "score" and run_id is None:
        raise EngineError("There is no scoring run to keep pictures by.", "`sood-tui scoring run` makes one.")
    with workspace.opened().reading() as cursor:
        if superclass is not None:
            require_superclass(cursor, superclass)
        listed = fetch_listed_pictures(cursor, superclass)
    unreadable = read_prints(workspace, listed, True, on_progress)
    with workspace.opened().reading() as cursor:
        prints = fetch_prints(cursor, listed)
        pairs = _pairs(cursor, prints, near, keep, run_id) if len(prints) else []
    return Duplicates(len(listed), len(prints), unreadable, tuple(pairs))


def leave_out(workspace: Workspace, found: Sequence[Duplicate], keep: Keep, reviewer: str) -> Step | None:
    """Mark whatever goes as bad, with its reason, as one step; splits and exports then leave it out.

    Returns: the step; None when nothing is left to mark.
    """
    with workspace.opened().deciding() as cursor:
        named = {one.image_id: one for one in fetch_named_pictures(cursor, [pair.goes for pair in found])}
        marks = fetch_marks_of(cursor, list({image_id for pair in found for image_id in (pair.goes, pair.stays)}))
        changes = [
            (named[pair.goes], "bad", f"{pair.kind} duplicate of {pair.stays_picture}; kept by rule: {keep}")
            for pair in found
            # Somebody may have marked either since the search: what stays must be there to stand for what goes.
            if pair.goes in named and "bad" not in (marks.get(pair.goes), marks.get(pair.stays))
        ]
        return record_pictures(cursor, changes, reviewer) if changes else None  # type: ignore[arg-type]


def _pairs(cursor: Cursor, prints: pa.Table, near: int | None, keep: Keep, run_id: int | None) -> list[Duplicate]:
    ids = prints["image_id"].to_numpy()
    same, close = same_content(prints), _close(prints, near or 0)
    rows = np.unique(np.concatenate([same.first, same.second, close.first, close.second]))
    rivals = {one.image_id: one for one in fetch_rivals(cursor, ids[rows].tolist(), run_id)}
    is_exact = _same_pixels(prints, close, rivals)
    exact = groups(
        Pairs(
            np.concatenate([same.first, close.first[is_exact]]),
            np.concatenate([same.second, close.second[is_exact]]),
            np.zeros(0, np.int64),
        ),
        len(ids),
    )
    pixels = dict(zip(rows.tolist(), _pixels(prints, rows), strict=True))
    ordered = sorted(rows.tolist(), key=lambda row: _rank(rivals[int(ids[row])], pixels[row], keep))
    like = _likeness(exact, rows, close, near is not None)
    gone: set[int] = set()
    found = []
    for row in ordered:
        if row in gone:
            continue
        gone.add(row)
        for other, distance in sorted(like[row].items()):
            if other not in gone:
                gone.add(other)
                one, two = rivals[int(ids[row])], rivals[int(ids[other])]
                found.append(
                    _duplicate(one, two, pixels[row], pixels[other], bool(exact[row] == exact[other]), distance)
                )
    return sorted(found, key=lambda pair: (pair.kind, pair.distance, pair.stays_picture, pair.goes_picture))


def _close(prints: pa.Table, most: int) -> Pairs:
    """Pairs of rows by difference hash, of those that could be decoded."""
    seen = np.flatnonzero(prints["dhash"].is_valid().to_numpy())
    hashes = prints["dhash"].take(pa.array(seen)).to_numpy().astype(np.uint64)
    pairs = near_pairs(hashes, most)
    return Pairs(seen[pairs.first], seen[pairs.second], pairs.distance)


def _likeness(exact: Integers, rows: Integers, close: Pairs, is_near: bool) -> dict[int, dict[int, int]]:
    """row -> the rows that are the same as it, with their distance."""
    like: dict[int, dict[int, int]] = defaultdict(dict)
    if is_near:
        for one, other, distance in zip(
            close.first.tolist(), close.second.tolist(), close.distance.tolist(), strict=True
        ):
            like[one][other] = like[other][one] = distance
    members: dict[int, list[int]] = defaultdict(list)
    for row in rows.tolist():
        members[int(exact[row])].append(row)
    for together in members.values():
        for row in together:
            like[row].update({other: 0 for other in together if other != row})
    return like


def _same_pixels(
    prints: pa.Table, close: Pairs, rivals: dict[int, RivalPicture]
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which pairs decode to the same pixels, bool [n]; only those of equal hash and size are decoded."""
    ids, width, height = (prints[name].to_pylist() for name in ("image_id", "width", "height"))
    known: dict[int, str | None] = {}

    def pixels_of(row: int) -> str | None:
        if row not in known:
            known[row] = decoded_hash(rivals[ids[row]])
        return known[row]

    same = np.zeros(len(close.first), np.bool_)
    for place in np.flatnonzero(close.distance == 0).tolist():
        one, other = int(close.first[place]), int(close.second[place])
        if (width[one], height[one]) == (width[other], height[other]) and pixels_of(one) is not None:
            same[place] = pixels_of(one) == pixels_of(other)
    return same


def decoded_hash(picture: RivalPicture) -> str | None:
    """SHA-256 of the decoded RGB pixels; None where the file cannot be read as a picture."""
    from PIL import Image

    try:
        with Image.open(os.path.join(path_of_text(picture.folder), path_of_text(picture.path))) as opened:
            return hashlib.sha256(opened.convert("RGB").tobytes()).hexdigest()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _pixels(prints: pa.Table, rows: Integers) -> list[int | None]:
    of_rows = prints.take(pa.array(rows))
    sizes = zip(of_rows["width"].to_pylist(), of_rows["height"].to_pylist(), strict=True)
    return [None if width is None or height is None else width * height for width, height in sizes]


def _rank(picture: RivalPicture, pixels: int | None, keep: Keep) -> tuple[float, str]:
    """Least for what is kept."""
    value = {
        "nearest": picture.depth,
        "score": None if picture.similarity is None else -picture.similarity,
        "larger": None if pixels is None else -pixels,
        "first": 0,
    }[keep]
    return (float("inf") if value is None else float(value), picture.name)


def _duplicate(
    stays: RivalPicture,
    goes: RivalPicture,
    stays_pixels: int | None,
    goes_pixels: int | None,
    is_exact: bool,
    distance: int,
) -> Duplicate:
    return Duplicate(
        "exact" if is_exact else "near", distance, stays.image_id, stays.name, stays.wnid, stays_pixels,
        goes.image_id, goes.name, goes.wnid, goes_pixels, stays.wnid != goes.wnid,
    )  # fmt: skip
