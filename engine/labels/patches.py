"""Pictures with labels that are certain: single objects, cut out by their boxes, side by side on a canvas.

After the idea of PatchML (arXiv 2412.18409). The paper's own layout was not recovered; this one is ours: a grid of
cells x cells, k distinct classes, each patch resized into its cell with its proportions kept.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from engine.errors import EngineError
from engine.jobs.files import write_whole
from engine.labels.boxes import Box
from engine.labels.sources import labelled_images
from store.connection import Cursor
from store.images.pictures import fetch_places
from store.labels import truth as store
from store.paths import path_of_text

LAYOUT = "sood-tui grid 1"
GREY = (124, 116, 104)
"""What stands where no patch does: ImageNet's mean colour."""
RECORD, LABELS, BOXES, LIST = "record.json", "labels.csv", "boxes.csv", "list.txt"
SMALLEST_SIDE = 16


@dataclass(frozen=True, slots=True)
class PatchSettings:
    """How patch pictures are made.

    Attributes:
        images: how many.
        cells: cells in a row and in a column.
        cell_size: side of a cell in pixels.
        least_labels, most_labels: numbers of distinct classes; each number occurs equally often, up to one picture.
        blank: cells beyond the first patch of each class stay empty; else more patches of the same classes fill them.
        seed: of everything that is drawn.
    """

    images: int
    cells: int = 2
    cell_size: int = 112
    least_labels: int = 1
    most_labels: int = 4
    blank: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """One object that can be cut out: the class it shows, the picture's path, and the box in it."""

    wnid: str
    path: str
    box: Box


@dataclass(frozen=True, slots=True)
class Placed:
    """A patch in a cell, counted row by row from 0."""

    cell: int
    patch: Patch


@dataclass(frozen=True, slots=True)
class PatchReport:
    """What was written, and how many boxes were not used, by reason."""

    folder: Path
    images: int
    classes: int
    patches: int
    left_out: Mapping[str, int]
    by_labels: Mapping[int, int]


def find_patches(cursor: Cursor, boxes: Sequence[Box], source: str | None = None) -> tuple[list[Patch], Counter[str]]:
    """The objects of pictures of this workspace that stand alone in theirs.

    Args:
        cursor: for reading.
        boxes: of any pictures.
        source: of labels; only pictures whose one valid label is their own are taken. None: every picture.

    Returns: patches by class and path, and how many boxes were left out by reason.
    """
    by_file: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        by_file[box.file].append(box)
    left_out = Counter({"several boxes": sum(len(b) for b in by_file.values() if len(b) > 1)})
    single = {file: b[0] for file, b in by_file.items() if len(b) == 1}
    entries = pa.table({"line": range(len(single)), "file": pa.array(list(single), pa.string())})
    matched = store.match_stems(cursor, entries)
    found = {row["image_id"]: row["file"] for row in matched.to_pylist() if row["image_id"] is not None}
    left_out["no picture here, or several"] = len(single) - len(found)
    certain = None if source is None else _certain(cursor, source)
    patches = []
    for place in fetch_places(cursor, sorted(found)):
        box = single[found[place.image_id]]
        if certain is not None and place.image_id not in certain:
            left_out[f"not one valid label in {source}"] += 1
        elif min(box.x_max - box.x_min, box.y_max - box.y_min) < SMALLEST_SIDE:
            left_out[f"a side below {SMALLEST_SIDE} pixels"] += 1
        else:
            patches.append(Patch(place.wnid, f"{place.folder.rstrip('/')}/{place.path}", box))
    return sorted(patches, key=lambda patch: (patch.wnid, patch.path)), +left_out


def plan(patches: Sequence[Patch], settings: PatchSettings) -> list[tuple[Placed, ...]]:
    """Which patch stands where in each picture; the same patches and settings give the same plan.

    Raises: EngineError when the settings cannot be, or there are fewer classes than labels.
    """
    _check(settings)
    by_class: dict[str, list[Patch]] = defaultdict(list)
    for patch in patches:
        by_class[patch.wnid].append(patch)
    classes = sorted(by_class)
    if len(classes) < settings.most_labels:
        raise EngineError(
            f"There are patches of {len(classes)} classes, but {settings.most_labels} labels are asked for.",
            "Give boxes of more classes, or ask for fewer labels.",
        )
    numbers = range(settings.least_labels, settings.most_labels + 1)
    return [
        _plan_one(by_class, classes, settings, numbers[index % len(numbers)], index) for index in range(settings.images)
    ]


def compose(placed: Iterable[Placed], settings: PatchSettings) -> tuple[Image.Image, list[tuple[str, list[int], str]]]:
    """A picture of its patches.

    Returns: RGB, and for each patch its wnid, its box on the canvas (left, top, right, bottom) and its source's path.
    Raises: EngineError when a picture cannot be read.
    """
    side = settings.cells * settings.cell_size
    canvas = Image.new("RGB", (side, side), GREY)
    boxes = []
    for one in placed:
        patch = _cut(one.patch, settings.cell_size)
        row, column = divmod(one.cell, settings.cells)
        left = column * settings.cell_size + (settings.cell_size - patch.width) // 2
        top = row * settings.cell_size + (settings.cell_size - patch.height) // 2
        canvas.paste(patch, (left, top))
        boxes.append((one.patch.wnid, [left, top, left + patch.width, top + patch.height], one.patch.path))
    return canvas, boxes


def write(
    folder: Path,
    patches: Sequence[Patch],
    left_out: Mapping[str, int],
    settings: PatchSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PatchReport:
    """Write patch pictures as a folder with their labels, their boxes, a list, and a record of how they were made.

    Args:
        folder: is made; must not be there, or be empty.

    Raises: EngineError when the folder is taken, or as plan and compose raise.
    """
    layout = plan(patches, settings)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EngineError(f"{folder} is there and is not an empty folder.", "Name another one.")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    labels: list[list[str]] = [["file", "labels"]]
    boxes: list[list[str]] = [["file", "wnid", "x_min", "y_min", "x_max", "y_max", "source"]]
    lines = []
    for index, placed in enumerate(layout):
        name = f"patches_{settings.seed}_{index:06d}.png"
        picture, found = compose(placed, settings)
        _write_picture(folder / "images" / name, picture)
        wnids = list(dict.fromkeys(wnid for wnid, _, _ in found))
        labels.append([name, " ".join(sorted(wnids))])
        boxes += [[name, wnid, *(str(edge) for edge in box), path] for wnid, box, path in found]
        lines.append(f"images/{name} {wnids[0]}")
        on_progress(index + 1, len(layout))
    _write_csv(folder / LABELS, labels)
    _write_csv(folder / BOXES, boxes)
    write_whole(folder / LIST, lambda stream: stream.write(("\n".join(lines) + "\n").encode()))
    classes = len({patch.wnid for patch in patches})
    record = {"layout": LAYOUT, **asdict(settings), "classes": classes, "patches": len(patches)}
    write_whole(folder / RECORD, lambda stream: stream.write(json.dumps(record, indent=2).encode() + b"\n"))
    by_labels = Counter(len({one.patch.wnid for one in placed}) for placed in layout)
    return PatchReport(folder, len(layout), classes, len(patches), dict(left_out), dict(sorted(by_labels.items())))


def _check(settings: PatchSettings) -> None:
    cells = settings.cells**2
    if not (1 <= settings.least_labels <= settings.most_labels <= cells):
        raise EngineError(
            f"{settings.least_labels} to {settings.most_labels} labels do not fit into "
            f"{settings.cells} x {settings.cells} cells.",
            f"Ask for 1 to {cells}, the smaller number first, or for more cells.",
        )
    if settings.images < 1 or settings.cell_size < SMALLEST_SIDE:
        raise EngineError(f"At least one picture, with cells of {SMALLEST_SIDE} pixels or more, can be made.")


def _plan_one(
    by_class: Mapping[str, list[Patch]], classes: list[str], settings: PatchSettings, labels: int, index: int
) -> tuple[Placed, ...]:
    # A generator for each picture: one picture more does not change the others.
    rng = np.random.default_rng([settings.seed, index])
    chosen = [classes[place] for place in rng.choice(len(classes), size=labels, replace=False)]
    if not settings.blank:
        more = rng.integers(0, labels, size=settings.cells**2 - labels)
        chosen += [chosen[place] for place in more]
    cells = rng.permutation(settings.cells**2)
    drawn = [by_class[wnid][int(rng.integers(0, len(by_class[wnid])))] for wnid in chosen]
    return tuple(Placed(int(cell), patch) for cell, patch in zip(cells, drawn, strict=False))


def _cut(patch: Patch, size: int) -> Image.Image:
    box = patch.box
    try:
        with Image.open(path_of_text(patch.path)) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise EngineError(f"{patch.path} cannot be read: {error}") from error
    across = picture.width / box.width if box.width else 1.0
    down = picture.height / box.height if box.height else 1.0
    edges = (box.x_min * across, box.y_min * down, box.x_max * across, box.y_max * down)
    left, top, right, bottom = (round(edge) for edge in edges)
    cut = picture.crop((left, top, min(max(right, left + 1), picture.width), min(max(bottom, top + 1), picture.height)))
    if not cut.width or not cut.height:
        raise EngineError(f"The box of {patch.path} lies outside the picture.", "Is it the right file of boxes?")
    ratio = size / max(cut.size)
    fitted = (max(1, round(cut.width * ratio)), max(1, round(cut.height * ratio)))
    return cut.resize(fitted, Image.Resampling.BICUBIC)


def _certain(cursor: Cursor, source: str) -> set[int]:
    return {image.image_id for image in labelled_images(cursor, source) if image.wnids == (image.original,)}


def _write_picture(path: Path, picture: Image.Image) -> None:
    # Pillow seeks in what it writes to, which a hashing stream cannot.
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    write_whole(path, lambda stream: stream.write(encoded.getvalue()))


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, lambda stream: stream.write(text.getvalue().encode()))
