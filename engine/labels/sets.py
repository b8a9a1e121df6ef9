"""Numbers of a classifier on a set of pictures with truth: `real`, `real@root:val`, `own@split:hard`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation.sets.pictures import resolve_set
from engine.labels.numbers import PictureNumbers, TruthTable, judge
from engine.labels.sources import labelled_images
from engine.workspace import Workspace
from store.connection import Cursor
from store.images import roots as image_roots
from store.labels import predictions as store
from store.labels.truth import LabelledImage

FORMS = "SOURCE, SOURCE@root:NAME, SOURCE@split:BAND, SOURCE@subtree:SYNSET or SOURCE@SET of `evaluation sets`"


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """What a classifier did on the pictures of a set that have truth.

    Attributes:
        name: as the user wrote it.
        image_ids: int64 [n].
        originals: the wnid of each picture's folder.
        numbers: rows in the same order.
        with_truth: pictures of the set that the source speaks of.
        not_predicted: those of them that have no prediction; left out.
        outside: those whose valid labels are all no classes of the classifier; left out.
        labels_outside: labels of the others that are no classes of the classifier; not counted into k.
    """

    name: str
    image_ids: npt.NDArray[np.int64]
    originals: tuple[str, ...]
    numbers: PictureNumbers
    with_truth: int
    not_predicted: int
    outside: int
    labels_outside: int

    def subset(self, image_ids: npt.NDArray[np.int64]) -> PictureNumbers:
        """The numbers of those of the pictures that are in the set."""
        return self.numbers.rows(np.isin(self.image_ids, image_ids))


def judged_set(workspace: Workspace, cursor: Cursor, predictions: str, text: str) -> JudgedSet:
    """The numbers of a classifier on a set.

    Args:
        predictions: their name.
        text: one of FORMS.

    Raises: UnknownPredictions, UnknownSource; EngineError for another form, or where nothing is left to judge.
    """
    source, _, where = text.partition("@")
    truth = labelled_images(cursor, source)
    if where:
        wanted = pictures_of(workspace, cursor, where)
        truth = [image for image in truth if image.image_id in wanted]
    if not truth:
        raise EngineError(
            f"{text}: no picture has labels there.", f"Write {FORMS}; `sood-tui labels list` lists sources."
        )
    return judge_images(cursor, predictions, truth, text)


def judge_images(cursor: Cursor, predictions: str, truth: list[LabelledImage], name: str) -> JudgedSet:
    """The numbers of a classifier on labelled pictures.

    Raises: UnknownPredictions; EngineError where the classifier predicted none of them.
    """
    run = store.fetch_prediction_run(cursor, predictions)
    index = {wnid: place for place, wnid in enumerate(run.classes)}
    by_id = {image.image_id: image for image in truth}
    found = store.fetch_predictions(cursor, predictions, pa.array(sorted(by_id), pa.int64()))
    if not found.num_rows:
        raise EngineError(
            f"{predictions} predict none of the {len(truth)} pictures of {name}.",
            "`sood-tui evaluation predictions` lists what there is.",
        )
    ranked = np.stack(found["ranked"].to_numpy(zero_copy_only=False)).astype(np.int64)
    rows = [by_id[image_id] for image_id in found["image_id"].to_pylist()]
    inside = [[index[wnid] for wnid in image.wnids if wnid in index] for image in rows]
    kept = np.asarray([bool(known) or not image.wnids for known, image in zip(inside, rows, strict=True)])
    if not kept.any():
        raise EngineError(
            f"No valid label of {name} is a class of {predictions}.", "Give --classes when they are imported."
        )
    places = np.flatnonzero(kept)
    sets = [inside[place] for place in places]
    originals = np.asarray([index.get(rows[place].original, -1) for place in places], dtype=np.int64)
    return JudgedSet(
        name=name,
        image_ids=found["image_id"].to_numpy()[places],
        originals=tuple(rows[place].original for place in places),
        numbers=judge(ranked[places], originals, TruthTable.of(sets)),
        with_truth=len(truth),
        not_predicted=len(truth) - found.num_rows,
        outside=int((~kept).sum()),
        labels_outside=sum(len(rows[place].wnids) - len(inside[place]) for place in places),
    )


def pictures_of(workspace: Workspace, cursor: Cursor, where: str) -> set[int]:
    """The pictures of the catalogue that a set stands for.

    Raises: EngineError for files that are not in the catalogue, and as the set itself raises.
    """
    if where.startswith("root:"):
        root_id = image_roots.fetch_root(cursor, where.removeprefix("root:")).root_id
        return set(store.fetch_pictures(cursor, root_id)["image_id"].to_pylist())
    found = resolve_set(workspace, cursor, where, where, "id")
    image_ids = found.items["image_id"].to_pylist()
    if None in image_ids:
        raise EngineError(f"{where} has pictures that are not in the catalogue.", "Add them: `sood-tui images add`.")
    return set(image_ids)


@dataclass(frozen=True, slots=True)
class ClassNumbers:
    """One synset's pictures in a source; shares and accuracies are fractions, None without a classifier or a label.

    gap is ReaL accuracy minus top-1 over the pictures with a valid label.
    """

    wnid: str
    lemma: str
    images: int
    without_label: int
    multi_label_share: float | None
    mean_labels: float | None
    own_label_valid: float | None
    top1: float | None = None
    real_accuracy: float | None = None
    gap: float | None = None


def per_class(
    truth: list[LabelledImage], lemmas: Mapping[str, str], judged: JudgedSet | None = None
) -> list[ClassNumbers]:
    """A row for each synset whose pictures a source speaks of, the highest multi-label share first."""
    groups: dict[str, list[LabelledImage]] = {}
    for image in truth:
        groups.setdefault(image.original, []).append(image)
    rows = [_class_row(wnid, lemmas.get(wnid, wnid), group, judged) for wnid, group in groups.items()]
    return sorted(rows, key=lambda row: (-(row.multi_label_share or 0.0), row.wnid))


def _class_row(wnid: str, lemma: str, group: list[LabelledImage], judged: JudgedSet | None) -> ClassNumbers:
    sizes = np.asarray([len(image.wnids) for image in group])
    labelled = sizes[sizes > 0]
    some = len(labelled) > 0
    top1 = real = None
    if judged is not None:
        numbers = judged.subset(np.asarray([image.image_id for image in group if image.wnids], dtype=np.int64))
        if len(numbers.sizes):
            top1, real = float(numbers.top1.mean()), float(numbers.real.mean())
    return ClassNumbers(
        wnid=wnid,
        lemma=lemma,
        images=len(group),
        without_label=int((sizes == 0).sum()),
        multi_label_share=float((labelled >= 2).mean()) if some else None,
        mean_labels=float(labelled.mean()) if some else None,
        own_label_valid=float(np.mean([image.original in image.wnids for image in group if image.wnids]))
        if some
        else None,
        top1=top1,
        real_accuracy=real,
        gap=real - top1 if real is not None and top1 is not None else None,
    )
