"""Comparing accepted pictures: what was read and computed of them by now, brought together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import EngineError
from engine.jobs.folder import JobFolder
from engine.likeness.hashes import MOST, Hashed, Pairs, groups, near_pairs, same_content
from engine.likeness.job import submit_neighbours, submit_prints
from engine.likeness.neighbours import Neighbours
from engine.review.decisions import require_superclass
from engine.review.duplicates import Comparison
from engine.splits.formulas import Integers
from engine.splits.matching import cut_pictures
from engine.splits.prepare import prepare_with_pictures
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store.connection import Cursor
from store.likeness import neighbours as store
from store.likeness.prints import fetch_prints
from store.review.duplicates import fetch_rivals
from store.scoring.embeddings import EmbeddingSet, fetch_set
from store.splits.similarities import fetch_runs


@dataclass(frozen=True, slots=True)
class Begun:
    """The jobs that a comparison waits for; None where there is nothing to do."""

    prints: JobFolder | None
    neighbours: JobFolder | None

    @property
    def jobs(self) -> tuple[JobFolder, ...]:
        """Those that there are."""
        return tuple(job for job in (self.prints, self.neighbours) if job is not None)


@dataclass(frozen=True, slots=True)
class _Table:
    """Listed pictures: what was read of each, int64 [n] content, uint64 [n] hashes, and so on."""

    ids: Integers
    content: Integers
    hashes: npt.NDArray[np.uint64]
    has_hash: npt.NDArray[np.bool_]
    pixels: npt.NDArray[np.float64]


def begin(workspace: Workspace, superclass: str | None, reviewer: str, with_embeddings: bool = True) -> Begun:
    """Start the jobs that read the pictures and compare the embeddings, as far as that is still to be done.

    Raises: EngineError for a guest, or an unknown superclass.
    """
    workspace.require_owner("read pictures")
    with workspace.opened().reading() as cursor:
        if superclass is not None:
            require_superclass(cursor, superclass)
        listed = store.fetch_listed(cursor, superclass)
        embedded = newest_set(cursor) if with_embeddings else None
    prints = submit_prints(workspace, superclass, reviewer)
    compared = submit_neighbours(workspace, embedded, listed, reviewer) if embedded is not None else None
    return Begun(prints, compared)


def newest_set(cursor: Cursor) -> EmbeddingSet | None:
    """The embeddings of the newest scoring run; None where nothing was scored."""
    runs = fetch_runs(cursor)
    return fetch_set(cursor, runs[-1].model_key) if runs else None


def compare(
    workspace: Workspace,
    superclass: str | None = None,
    defaults: SplitSettings | None = None,
    before: Comparison | None = None,
) -> Comparison:
    """Bring together what is known of the accepted pictures. Nothing is read from their files here.

    Args:
        workspace: open; a guest's will do.
        superclass: only its candidates; None: all.
        defaults: what holds in a split that was not made yet.
        before: an earlier comparison, whose pairs by hash hold for the pictures that are still there.

    Raises: EngineError for an unknown superclass.
    """
    with workspace.opened().reading() as cursor:
        if superclass is not None:
            require_superclass(cursor, superclass)
        listed = store.fetch_listed(cursor, superclass)
        table = _table(fetch_prints(cursor, listed))
        hashed = _hashed(table, before)
        close = hashed.pairs
        near, embedded, compared = _near(cursor, listed)
        runs = fetch_runs(cursor)
        touched = _touched(table, hashed, near)
        rivals = fetch_rivals(cursor, touched, runs[-1].run_id if runs else None)
        bands = _bands(cursor, workspace.seed, defaults, touched) if len(touched) else {}
        unreadable = store.fetch_unreadable(cursor, superclass)
    at = np.searchsorted(table.ids, touched)
    at = np.minimum(at, max(len(table.ids) - 1, 0))
    known = table.ids[at] == touched if len(table.ids) else np.zeros(len(touched), np.bool_)
    lone = len(table.ids) + np.arange(len(touched))
    return Comparison(
        listed=len(listed),
        compared=int(table.has_hash.sum()),
        unreadable=unreadable,
        embedded=embedded,
        compared_by_embedding=compared,
        pictures=rivals,
        splits=[bands.get(one.image_id) for one in rivals],
        content=np.where(known, table.content[at] if len(table.ids) else 0, lone).astype(np.int64),
        hashes=np.where(known, table.hashes[at] if len(table.ids) else 0, 0).astype(np.uint64),
        has_hash=known & (table.has_hash[at] if len(table.ids) else False),
        pixels=np.where(known, table.pixels[at] if len(table.ids) else np.inf, np.inf),
        close=Pairs(_rows(touched, hashed.ids[close.first]), _rows(touched, hashed.ids[close.second]), close.distance),
        near=Neighbours(_rows(touched, near.first), _rows(touched, near.second), near.cosine),
        has_run=bool(runs),
        hashed=hashed,
    )


def _rows(touched: Integers, ids: Integers) -> Integers:
    return np.searchsorted(touched, ids).astype(np.int64)


def _table(prints: pa.Table) -> _Table:
    ids = prints["image_id"].to_numpy().astype(np.int64)
    has_hash = prints["pixels"].is_valid().to_numpy(zero_copy_only=False)
    width, height = (prints[name].fill_null(0).to_numpy().astype(np.float64) for name in ("width", "height"))
    pixels = np.where(has_hash, width * height, np.inf)
    hashes = prints["dhash"].fill_null(0).to_numpy().astype(np.uint64)
    content = np.arange(len(ids))
    if len(ids):
        same = [same_content(prints, "sha256"), _same_pixels(prints, has_hash)]
        first, second = (np.concatenate([getattr(one, side) for one in same]) for side in ("first", "second"))
        content = groups(Pairs(first, second, np.zeros(len(first), np.int64)), len(ids))
    return _Table(ids, content, hashes, has_hash, pixels)


def _same_pixels(prints: pa.Table, has_hash: npt.NDArray[np.bool_]) -> Pairs:
    rows = np.flatnonzero(has_hash)
    same = same_content(prints.filter(pa.array(has_hash)), "pixels")
    return Pairs(rows[same.first], rows[same.second], same.distance)


def _hashed(table: _Table, before: Comparison | None) -> Hashed:
    rows = np.flatnonzero(table.has_hash)
    ids, hashes = table.ids[rows], table.hashes[rows]
    known = before.hashed.among(ids, hashes) if before is not None else None
    return known or Hashed(ids, hashes, near_pairs(hashes, MOST))


def _near(cursor: Cursor, listed: Integers) -> tuple[Neighbours, int, int]:
    """Pairs of image_ids by embedding, how many pictures have one, and how many of those were compared."""
    embedded = newest_set(cursor)
    if embedded is None:
        nothing = np.zeros(0, np.int64)
        return Neighbours(nothing, nothing, np.zeros(0, np.float32)), 0, 0
    found = store.fetch_neighbours(cursor, embedded.set_id, listed)
    places = store.fetch_places(cursor, embedded.set_id, listed)
    is_asked = np.isin(places["image_id"].to_numpy(), listed)
    is_new = places["is_new"].to_numpy(zero_copy_only=False).astype(np.bool_)
    pairs = Neighbours(
        found["first"].to_numpy().astype(np.int64),
        found["second"].to_numpy().astype(np.int64),
        found["cosine"].to_numpy().astype(np.float32),
    )
    return pairs, int(is_asked.sum()), int((is_asked & ~is_new).sum())


def _touched(table: _Table, hashed: Hashed, near: Neighbours) -> Integers:
    """The image_ids that are in a pair or share their content, int64 [n] ascending."""
    close = hashed.pairs
    sizes = np.bincount(table.content, minlength=len(table.ids)) if len(table.ids) else np.zeros(0, np.int64)
    shared = table.ids[sizes[table.content] > 1] if len(table.ids) else table.ids
    return np.unique(
        np.concatenate([shared, hashed.ids[close.first], hashed.ids[close.second], near.first, near.second])
    ).astype(np.int64)


def _bands(cursor: Cursor, seed: int, defaults: SplitSettings | None, image_ids: Integers) -> dict[int, str]:
    """The list of the split that each picture would stand in, as far as it can be cut yet; the hardest of several."""
    try:
        prepared, measured = prepare_with_pictures(cursor, seed, MAIN, defaults)
    except EngineError:  # nothing was scored or accepted yet: there is no split to stand in
        return {}
    tuned = prepared.retune()
    cut = cut_pictures(prepared, tuned, measured, {})
    rows = np.flatnonzero(cut.is_kept & np.isin(measured.pictures.image_id, image_ids))
    order = rows[np.argsort(-cut.band[rows], kind="stable")]
    ids, bands = measured.pictures.image_id[order].tolist(), cut.band[order].tolist()
    return {image_id: tuned.bands[band] for image_id, band in zip(ids, bands, strict=True)}
