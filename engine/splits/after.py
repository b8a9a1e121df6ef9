"""Rules that act after the cut: they move no threshold, but leave pictures out so that no side knows the other."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from engine.likeness.hashes import groups, near_pairs, same_content
from engine.splits.formulas import Flags, Integers
from engine.splits.matching import cut_pictures, match
from engine.splits.measure import AFTER_THE_CUT, EXCLUSIONS, NEAR, RELATIVE, Measured
from engine.splits.prepared import PreparedSplit, Tuned
from store.connection import Cursor
from store.likeness.prints import fetch_prints
from store.splits.reports import fetch_related


@dataclass(frozen=True, slots=True)
class Relative:
    """A training subclass that lies above or below a subclass of a test list."""

    superclass: str
    wnid: str
    lemma: str
    relation: str
    other_superclass: str
    other_wnid: str
    other_lemma: str
    other_split: str


def leave_out(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> Measured:
    """Leave out what the rules after the cut say: relatives, near-duplicates, and what makes bands unlike in labels.

    What an earlier cut left out comes back first: doing it twice is doing it once.
    """
    settings = prepared.settings
    measured = restored(measured)
    if settings.exclude_relatives:
        found = {(one.superclass, one.wnid) for one in train_relatives(cursor, prepared, tuned)}
        places = [at for at, pair in enumerate(measured.pairs) if (pair.superclass, pair.wnid) in found]
        measured = _marked(measured, np.isin(measured.pictures.place, places), RELATIVE)
    if settings.near_duplicates is not None:
        measured = _marked(measured, near_in_easier_bands(cursor, prepared, tuned, measured), NEAR)
    return match(cursor, prepared, tuned, measured)


def restored(measured: Measured) -> Measured:
    """The pictures as they were before any rule after the cut."""
    codes = [EXCLUSIONS.index(name) + 1 for name in AFTER_THE_CUT]
    exclusion = measured.pictures.exclusion
    if not (gone := np.isin(exclusion, codes)).any():
        return measured
    before = np.where(gone, 0, exclusion).astype(np.int8)
    return replace(measured, pictures=replace(measured.pictures, exclusion=before))


def left_out_after(prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> Integers:
    """How many pictures of each band the rules after the cut have left out, int64 [bands], hardest first."""
    cut = cut_pictures(prepared, tuned, measured, {})
    codes = [EXCLUSIONS.index(name) + 1 for name in AFTER_THE_CUT]
    gone = np.isin(measured.pictures.exclusion, codes) & (cut.band >= 0)
    return np.bincount(cut.band[gone], minlength=len(tuned.bands)).astype(np.int64)


def train_relatives(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned) -> list[Relative]:
    """Training subclasses that are an ancestor or a descendant of a subclass in a test list, one row a relation."""
    rows = {row.wnid: index for index, row in enumerate(prepared.subclasses)}
    train = len(tuned.bands) - 1
    found = []
    for ancestor, descendant in fetch_related(cursor, sorted(rows)):
        for mine, other, relation in ((ancestor, descendant, "ancestor"), (descendant, ancestor, "descendant")):
            at, there = rows[mine], rows[other]
            if int(tuned.band[at]) == train and int(tuned.band[there]) != train:
                one, two = prepared.subclasses[at], prepared.subclasses[there]
                split = tuned.bands[int(tuned.band[there])]
                names = (one.superclass, one.wnid, one.lemma, relation, two.superclass, two.wnid, two.lemma, split)
                found.append(Relative(*names))
    return sorted(found, key=lambda row: (row.superclass, row.wnid, row.other_wnid))


def near_in_easier_bands(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> Flags:
    """Pictures that have a copy or near-copy in a harder band, bool [n]: the easier band gives way.

    Only pictures whose prints are there can be compared.
    """
    cut = cut_pictures(prepared, tuned, measured, {})
    rows = np.flatnonzero(cut.is_kept)
    ids = measured.pictures.image_id[rows]
    gone = np.zeros(len(measured.pictures.image_id), np.bool_)
    most = prepared.settings.near_duplicates
    prints = fetch_prints(cursor, ids)
    if not prints.num_rows or most is None:
        return gone
    known = prints["image_id"].to_numpy()
    order = np.argsort(ids)
    row_of = rows[order][np.searchsorted(ids[order], known)]
    group = _groups_of(prints, most)
    band = cut.band[row_of]
    hardest = np.full(len(known), len(tuned.bands), np.int64)
    np.minimum.at(hardest, group, band)
    gone[row_of[band > hardest[group]]] = True
    return gone


def _groups_of(prints: pa.Table, most: int) -> Integers:
    same = same_content(prints)
    first, second = [same.first], [same.second]
    seen = np.flatnonzero(prints["dhash"].is_valid().to_numpy())
    if len(seen):
        near = near_pairs(prints["dhash"].take(pa.array(seen)).to_numpy().astype(np.uint64), most)
        first.append(seen[near.first])
        second.append(seen[near.second])
    pairs = replace(same, first=np.concatenate(first), second=np.concatenate(second))
    return groups(pairs, prints.num_rows)


def _marked(measured: Measured, rows: Flags, name: str) -> Measured:
    exclusion = measured.pictures.exclusion.copy()
    exclusion[rows & measured.pictures.is_kept] = EXCLUSIONS.index(name) + 1
    return replace(measured, pictures=replace(measured.pictures, exclusion=exclusion))
