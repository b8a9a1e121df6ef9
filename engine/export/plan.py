"""What an export will hold: where each accepted subclass goes, under which name, and why some go nowhere."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.export.options import Options
from engine.splits.measure import EXCLUSIONS, Measured
from engine.splits.prepared import PreparedSplit, Tuned
from store import export as store
from store.connection import Cursor

TRAIN_FILE = "train_iid"

ROW_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("root", pa.string(), nullable=False),
        pa.field("wnid", pa.string(), nullable=False),
        pa.field("superclass", pa.string(), nullable=False),
        pa.field("class_id", pa.int32()),
        pa.field("subclass", pa.string(), nullable=False),
        pa.field("split", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("similarity", pa.float32()),
        pa.field("score", pa.float64()),
        pa.field("subclass_mean", pa.float64()),
        pa.field("is_outlier", pa.bool_()),
    ]
)
"""One row a picture. split is NULL where the picture is in no list, and reason then says why."""


@dataclass(frozen=True, slots=True)
class PlannedSubclass:
    """Where a subclass goes. split is None where a rule or a missing score keeps it out, and reason says which."""

    wnid: str
    superclass: str
    class_id: int | None
    subclass: str
    split: str | None
    mean: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """An export before it is written.

    Attributes:
        subclasses: in the order of all files: by superclass and wnid.
        roots: root_id -> name, the first part of a path.
        folders: name of a root -> where it lies here, as text; nothing of it may enter a file that is hashed.
        options: what was chosen beside the formats.
        counts: what was laid out; None before that.
        record: what the catalogue says beside the pictures: review, labels, leaks, and the roots of superclasses.
    """

    prepared: PreparedSplit
    tuned: Tuned
    measured: Measured
    subclasses: tuple[PlannedSubclass, ...]
    roots: Mapping[int, str]
    folders: Mapping[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    counts: "Counts | None" = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, train first."""
        return self.tuned.bands[::-1]


@dataclass(frozen=True, slots=True)
class Counts:
    """Pictures in each list, and pictures left out by reason."""

    listed: Mapping[str, int]
    left_out: Mapping[str, int]


def build_plan(
    prepared: PreparedSplit,
    measured: Measured,
    roots: Mapping[int, str],
    folders: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Plan:
    """Where each accepted subclass goes, cut at the settings of the split.

    Args:
        prepared: the split.
        measured: the pictures that it was prepared from.
        roots: root_id -> name.
        folders: name of a root -> where it lies; formats that hold or link pictures need it.
        options: what was chosen beside the formats.
    """
    tuned = prepared.retune()
    names = subclass_names({pair.wnid: prepared.labels[pair.wnid].lemma for pair in measured.pairs})
    bands = {row.wnid: tuned.bands[int(band)] for row, band in zip(prepared.subclasses, tuned.band, strict=True)}
    class_ids = {name: index for index, name in enumerate(prepared.superclasses)}
    rules = {one.wnid: one.rule for one in prepared.removed}
    planned = [
        PlannedSubclass(
            pair.wnid,
            pair.superclass,
            class_ids.get(pair.superclass),
            names[pair.wnid],
            bands.get(pair.wnid),
            None if found is None else found.mean,
            rules.get(pair.wnid),
        )
        for pair, found in zip(measured.pairs, measured.measures, strict=True)
    ]
    return Plan(prepared, tuned, measured, tuple(planned), roots, folders or {}, options or Options())


def subclass_names(lemmas: Mapping[str, str]) -> dict[str, str]:
    """A name for each wnid: its first lemma; where several share one, each takes its wnid along: crane_n02012849."""
    shared = Counter(lemmas.values())
    return {wnid: lemma if shared[lemma] == 1 else f"{lemma}_{wnid}" for wnid, lemma in lemmas.items()}


def list_name(split: str) -> str:
    """The name of a split's list without its ending, as the reference names them: test_hard_ood."""
    return TRAIN_FILE if split == "train" else f"test_{split}_ood"


def lay_out(cursor: Cursor, plan: Plan) -> Counts:
    """Lay out the rows of a plan on the cursor, sorted by superclass, wnid, root and path.

    Returns: what they come to.
    """
    pictures = plan.measured.pictures
    places = pa.table(
        {
            "place": pa.array(range(len(plan.subclasses)), pa.int32()),
            "wnid": pa.array([sub.wnid for sub in plan.subclasses], pa.string()),
            "split": pa.array([sub.split for sub in plan.subclasses], pa.string()),
        }
    )
    scored = pa.table(
        {
            "image_id": pictures.image_id,
            "similarity": pa.array(pictures.similarity, from_pandas=True),  # NaN, where nobody knows it, is NULL
            "score": pa.array(pictures.normalised, from_pandas=True),
            "is_outlier": pictures.is_outlier,
            "exclusion": pa.array(EXCLUSIONS, pa.string()).take(
                pa.array(pictures.exclusion.astype("int32") - 1, mask=pictures.exclusion == 0)
            ),
        }
    )
    store.create_rows(cursor, places, scored)
    return _count(cursor, plan)


def _count(cursor: Cursor, plan: Plan) -> Counts:
    listed = dict.fromkeys(plan.splits, 0)
    left_out: Counter[str] = Counter()
    for row in store.count_rows(cursor):
        sub = plan.subclasses[row.place]
        reason = row.issue or (None if row.is_scored else "not_scored") or sub.reason
        reason = reason or ("outlier" if row.is_outlier else row.exclusion)
        if reason is None and sub.split is not None:
            listed[sub.split] += row.images
        else:
            left_out[reason or "not_in_split"] += row.images
    return Counts(listed, dict(sorted(left_out.items())))


def stream_rows(cursor: Cursor, plan: Plan) -> pa.RecordBatchReader:
    """All rows that were laid out, as ROW_SCHEMA."""
    return pa.RecordBatchReader.from_batches(ROW_SCHEMA, _full_rows(store.stream_rows(cursor), plan))


def stream_split(cursor: Cursor, plan: Plan, split: str) -> pa.RecordBatchReader:
    """The rows of one list in its order, as ROW_SCHEMA."""
    return pa.RecordBatchReader.from_batches(ROW_SCHEMA, _full_rows(store.stream_rows_of(cursor, split), plan))


def sample_rows(cursor: Cursor, plan: Plan, count: int) -> pa.RecordBatchReader:
    """About so many rows spread evenly over all that were laid out, as ROW_SCHEMA."""
    whole = sum(plan.counts.listed.values()) + sum(plan.counts.left_out.values()) if plan.counts else 0
    return pa.RecordBatchReader.from_batches(
        ROW_SCHEMA, _full_rows(store.sample_rows(cursor, max(whole // count, 1)), plan)
    )


def _full_rows(rows: Iterable[pa.RecordBatch], plan: Plan) -> Iterator[pa.RecordBatch]:
    columns = {
        "wnid": pa.array([sub.wnid for sub in plan.subclasses], pa.string()),
        "superclass": pa.array([sub.superclass for sub in plan.subclasses], pa.string()),
        "class_id": pa.array([sub.class_id if sub.split else None for sub in plan.subclasses], pa.int32()),
        "subclass": pa.array([sub.subclass for sub in plan.subclasses], pa.string()),
        "reason": pa.array([sub.reason for sub in plan.subclasses], pa.string()),
        "subclass_mean": pa.array([sub.mean for sub in plan.subclasses], pa.float64()),
    }
    root_ids = pa.array(list(plan.roots), pa.int32())
    root_names = pa.array(list(plan.roots.values()), pa.string())
    for batch in rows:
        full = {name: values.take(batch["place"]) for name, values in columns.items()}
        full["root"] = root_names.take(pc.index_in(batch["root_id"], value_set=root_ids))
        full["path"] = pc.binary_join_element_wise(full["root"], batch["path"], "/")
        full["reason"] = _reasons(batch, full["reason"])
        full |= {name: batch[name] for name in ("split", "similarity", "score", "is_outlier")}
        yield pa.RecordBatch.from_arrays([full[name] for name in ROW_SCHEMA.names], schema=ROW_SCHEMA)


def _reasons(batch: pa.RecordBatch, of_subclass: pa.Array) -> pa.Array:
    """Why each picture is in no list; NULL for those that are in one."""
    nothing = pa.scalar(None, pa.string())
    unscored = pc.if_else(batch["is_scored"], nothing, "not_scored")
    outlier = pc.if_else(batch["is_outlier"], "outlier", nothing)
    return pc.coalesce(batch["issue"], unscored, of_subclass, outlier, batch["exclusion"])
