"""A detector on a split: its bands against far synsets, and what moving a threshold changes, without new scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.bootstrap import Interval, detection_intervals
from engine.evaluation.numbers.metrics import RankedScores
from engine.evaluation.reports.reading import read_scores
from engine.evaluation.request import SetArgument
from engine.splits.prepare import prepare
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import MAIN
from engine.workspace import Workspace
from store.candidates.superclasses import fetch_superclass_roots
from store.evaluation import runs as store
from store.evaluation import sets as sets_store

FAR = "far"
ADAPTIVE = ("adaneg", "tanl")


@dataclass(frozen=True, slots=True)
class BandScores:
    """The scores of one band, and how well it separates from train and from the far set.

    Attributes:
        band: its name; far for the far synsets.
        subclasses: of the band.
        images: scored pictures of the band.
        quartiles: 5, 25, 50, 75 and 95 % of its id_scores.
        accuracy: closed-set, None where pictures have no labels.
        against_train: AUROC of train pictures against the band's; None for train itself.
        against_train_at: its interval.
        against_far: AUROC of the band's pictures against the far ones; None for far itself or without far synsets.
        kept: share of the band at or above the threshold that keeps 95 % of train.
    """

    band: str
    subclasses: int
    images: int
    quartiles: tuple[float, ...]
    accuracy: float | None
    against_train: float | None
    against_train_at: Interval | None
    against_far: float | None
    kept: float


def sood_sets(workspace: Workspace, split: str, far: Sequence[str], far_synsets: int) -> list[SetArgument]:
    """The sets of a split's evaluation: train as ID, every other band as generalisation, far synsets as OOD.

    Args:
        split: its name.
        far: synsets whose subtrees are far; empty: synsets with pictures that are no kin of the split's, sampled.
        far_synsets: how many to sample.

    Raises: EngineError when nothing is far enough.
    """
    prepared = prepare(workspace, split)
    tuned = prepared.retune()
    bands = [
        name for name, place in zip(tuned.bands, range(len(tuned.bands)), strict=True) if (tuned.band == place).any()
    ]
    if "train" not in bands:
        raise EngineError(f"The split {split} has no train band.", "Move its thresholds.")
    found = [SetArgument("train", f"split:{split}/train", "id")]
    found += [SetArgument(b, f"split:{split}/{b}", "generalisation") for b in reversed(bands) if b != "train"]
    source = f"subtree:{','.join(far)}" if far else f"synsets:{','.join(_sampled(workspace, prepared, far_synsets))}"
    return [*found, SetArgument(FAR, source, "ood", "far")]


def _sampled(workspace: Workspace, prepared: PreparedSplit, count: int) -> list[str]:
    subclasses = prepared.subclasses
    with workspace.opened().reading() as cursor:
        kin = sets_store.fetch_relatives(cursor, sorted({one.wnid for one in subclasses}))
        # A sibling of a subclass may stand under the same superclass: what lies below its roots is no far synset.
        with_pictures = [wnid for wnid, _ in sets_store.fetch_with_pictures(cursor) if wnid not in kin]
        roots = [root for roots in fetch_superclass_roots(cursor).values() for root in roots]
        below = sets_store.fetch_closures(cursor, roots)
    candidates = [wnid for wnid in with_pictures if wnid not in below]
    if not candidates:
        raise EngineError("No synset with pictures lies outside the superclasses.", "Name some: --far SYNSET.")
    order = np.random.default_rng(workspace.seed).permutation(len(candidates))[:count]
    return sorted(candidates[row] for row in order)


@dataclass(frozen=True)
class _Scored:
    """The pictures of a run with their scores, whichever set they were in."""

    wnid: NDArray[np.object_]
    superclass: NDArray[np.object_]
    hit: NDArray[np.float64]
    score: NDArray[np.float64]
    part: NDArray[np.int64]
    is_far: NDArray[np.bool_]


def recut(
    workspace: Workspace,
    run_id: int,
    method: str | None = None,
    split: str = "main",
    percentiles: Sequence[float] | None = None,
) -> list[BandScores]:
    """The bands of a split, cut at other percentiles, from the scores of a run: nothing is encoded or scored again.

    Args:
        run_id: a run whose sets are the bands of the split.
        method: None: NegLabel if the run has it, else its first static method.
        split: its name.
        percentiles: None: where the split is cut now.

    Raises: EngineError when the run lacks pictures of a band, or the method.
    """
    prepared = prepare(workspace, split)
    return _cut(_scored(workspace, run_id, method), run_id, prepared, prepared.retune(percentiles))


@dataclass(frozen=True, slots=True)
class Moved:
    """What a new cut does to the separation that an evaluation of the split has measured.

    Attributes:
        run_id: of the evaluation.
        method: whose scores are cut.
        before: the bands as they were when it ran.
        after: the bands of the new cut, from the same scores.
    """

    run_id: int
    method: str
    before: list[BandScores]
    after: list[BandScores]


def separation_moved(workspace: Workspace, prepared: PreparedSplit, tuned: Tuned) -> Moved:
    """The newest evaluation of a split, as it ran and as the split is cut now; nothing is encoded or scored again.

    Args:
        workspace: open.
        prepared: the split.
        tuned: its bands at the percentiles of the moment, written down or not.

    Raises: EngineError when no evaluation has this split's train band as ID.
    """
    sources = {f"split:{prepared.split}/train"} | ({"split:train"} if prepared.split == MAIN else set())
    with workspace.opened().reading() as cursor:
        for run in reversed(store.fetch_evaluations(cursor)):
            parts = store.fetch_parts(cursor, run.run_id)
            chosen = _main_method(run.methods)
            if run.kind == "run" and chosen and parts[0].source in sources:
                break
        else:
            raise EngineError(
                f"The split {prepared.split} was not evaluated yet.",
                f"`sood-tui evaluation sood --split {prepared.split}` does it once; then a new cut takes a second.",
            )
    scored = _scored(workspace, run.run_id, chosen)
    rows = {part.name: scored.part == part.position for part in parts if part.role != "ood"}
    rows = {"train": rows.pop(parts[0].name), **rows}
    sizes = {name: len(set(zip(scored.superclass[one], scored.wnid[one], strict=True))) for name, one in rows.items()}
    before = _report(scored, rows, sizes)
    return Moved(run.run_id, chosen, before, _cut(scored, run.run_id, prepared, tuned))


def _main_method(methods: Sequence[str]) -> str:
    """NegLabel where it ran, else the first static method; empty where there is none."""
    static = [name for name in methods if name not in ADAPTIVE]
    return "neglabel" if "neglabel" in static else next(iter(static), "")


def _cut(scored: "_Scored", run_id: int, prepared: PreparedSplit, tuned: Tuned) -> list[BandScores]:
    bands = {
        name: {
            (one.superclass, one.wnid)
            for one, place in zip(prepared.subclasses, tuned.band, strict=True)
            if place == number
        }
        for number, name in enumerate(tuned.bands)
    }
    pairs = list(zip(scored.superclass, scored.wnid, strict=True))
    rows = {
        name: np.array([pair in chosen for pair in pairs], dtype=bool) & ~scored.is_far
        for name, chosen in bands.items()
    }
    if not rows["train"].any():
        raise EngineError(f"Evaluation {run_id} has no picture of train.", "Run `sood-tui evaluation sood` first.")
    sizes = {name: len(chosen) for name, chosen in bands.items()}
    return _report(scored, {name: rows[name] for name in reversed(tuned.bands)}, sizes)


def _scored(workspace: Workspace, run_id: int, method: str | None) -> _Scored:
    with workspace.opened().reading() as cursor:
        run = store.fetch_evaluation(cursor, run_id)
        parts = store.fetch_parts(cursor, run_id)
        pictures = store.fetch_pictures(cursor, run_id)
        chosen = method or _main_method(run.methods)
        scores = read_scores(cursor, run_id, chosen)
    if not scores.of:
        raise EngineError(f"{chosen} depends on the order of the pictures: its bands cannot be cut anew.")
    kept = (pictures["part"].to_numpy() != 0) | np.pad(scores.reported, (0, pictures.num_rows - len(scores.reported)))
    pictures = pictures.filter(kept)
    part = pictures["part"].to_numpy()
    label = np.array([-1 if value is None else value for value in pictures["label"].to_pylist()])
    hit = np.where(label >= 0, (label == pictures["predicted"].to_numpy()).astype(float), np.nan)
    far = [one.position for one in parts if one.role == "ood"]
    return _Scored(
        np.array(pictures["wnid"].to_pylist(), dtype=object),
        np.array(pictures["superclass"].to_pylist(), dtype=object),
        hit,
        np.concatenate([scores.of[position] for position in sorted(scores.of)])[kept],
        part,
        np.isin(part, far),
    )


def _report(scored: _Scored, rows: dict[str, NDArray[np.bool_]], sizes: dict[str, int]) -> list[BandScores]:
    train = scored.score[rows["train"]]
    far = scored.score[scored.is_far]
    threshold = RankedScores(train).fpr_id_positive(train).threshold
    found = []
    for name, chosen in {**rows, FAR: scored.is_far}.items():
        scores = scored.score[chosen]
        if not len(scores):
            continue
        hits = scored.hit[chosen]
        is_train = name == "train"
        at = None if is_train else detection_intervals(train, scores, resamples=200)["auroc"]
        subclasses = sizes.get(name, len({wnid for wnid in scored.wnid[chosen] if wnid}))
        found.append(
            BandScores(
                name,
                subclasses,
                len(scores),
                tuple(float(value) for value in np.quantile(scores, [0.05, 0.25, 0.5, 0.75, 0.95])),
                None if np.isnan(hits).all() else float(np.nanmean(hits)),
                None if is_train else RankedScores(train).auroc(scores),
                at,
                None if name == FAR or not len(far) else RankedScores(scores).auroc(far),
                float(np.mean(scores >= threshold)),
            )
        )
    return found
