"""What leaves the room: tables for a paper, scores in OpenOOD's layout, plots, and the record; whole or not at all."""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.reports.plots import histogram, lines, roc
from engine.evaluation.reports.reading import Number, RunView, Scores, read_run, read_scores
from engine.evaluation.reports.tables import COLUMNS, latex, markdown, sweep_markdown
from engine.jobs.files import sha256_of
from engine.workspace import Workspace
from store.evaluation import runs as store
from store.evaluation.runs import SweepRow

OOD_LABEL = -1


@dataclass(frozen=True, slots=True)
class Exported:
    """Where an export went and which files it has."""

    folder: str
    files: tuple[str, ...]


def export(workspace: Workspace, run_id: int, folder: Path, force: bool = False, ood_is_high: bool = False) -> Exported:
    """Write an evaluation to a folder.

    Args:
        folder: made here; with ``force`` what an earlier export left there is replaced.
        ood_is_high: also write scores with pytorch-ood's orientation (higher = OOD).

    Raises: EngineError when the folder is there, or is not an export.
    """
    _check_folder(folder, force)
    with workspace.opened().reading() as cursor:
        view = read_run(cursor, run_id)
        swept = store.fetch_sweep(cursor, run_id)
        # A sweep and a classifier have tables only: the scores of their pictures are not in the catalogue.
        names = view.run.methods if view.run.kind == "run" else ()
        scores = {name: read_scores(cursor, run_id, name) for name in names}
        pictures = store.fetch_pictures(cursor, run_id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (staging / "record.json").write_text(view.run.record, encoding="utf-8")
        if swept:
            _write_sweep(staging, swept)
        else:
            _write_tables(staging, view)
            for name, one in scores.items():
                _write_method(staging, view, name, one, pictures, ood_is_high)
        _write_manifest(staging, view)
        if folder.exists():
            shutil.rmtree(folder)
        staging.chmod(0o755)
        staging.rename(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Exported(str(folder), tuple(files))


def _check_folder(folder: Path, force: bool) -> None:
    if not folder.exists():
        return
    if not force:
        raise EngineError(f"{folder} is there already.", "Give another folder, or --force to replace the export.")
    if any(folder.iterdir()) and not (folder / "manifest.json").exists():
        raise EngineError(f"{folder} is not an export of an evaluation.", "It is left alone; give another folder.")


def _write_tables(folder: Path, view: RunView) -> None:
    rows = [(row.method, row.part or f"{row.scope} of OOD sets", row) for row in view.rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{column}{end}" for column in COLUMNS for end in ("", "_low", "_high")]
    more = sorted({key for row in view.rows for key in row.more})
    writer.writerow(["method", "is_adaptive", "stream_order", "set", "role", "n_id", "n_ood", *names, *more])
    for method, part, row in rows:
        numbers = [value for column in COLUMNS for value in _parts(getattr(row, column))]
        rest = [row.more.get(key, "") for key in more]
        writer.writerow(
            [method, row.is_adaptive, row.stream_order, part, row.role, row.n_id, row.n_ood, *numbers, *rest]
        )
    (folder / "table.csv").write_text(text.getvalue(), encoding="utf-8")
    (folder / "table.md").write_text(markdown(view), encoding="utf-8")
    (folder / "table.tex").write_text(latex(view), encoding="utf-8")
    _write_classes(folder, view)


def _write_classes(folder: Path, view: RunView) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "scope", "set", "class", "number", "value", "low", "high", "n_id", "n_ood"])
    for row in (*view.classes, *view.accuracy, *view.calibration):
        writer.writerow(
            [row.method, row.scope, row.part, row.class_, row.metric, row.value, row.low, row.high, row.n_id, row.n_ood]
        )
    (folder / "classes.csv").write_text(text.getvalue(), encoding="utf-8")


def _parts(number: Number) -> list[object]:
    return [number.value, "" if number.low is None else number.low, "" if number.high is None else number.high]


def _write_method(
    folder: Path, view: RunView, name: str, scores: Scores, pictures: pa.Table, ood_is_high: bool
) -> None:
    """A folder for a static method; one for each order of the stream for an adaptive one, whose scores depend on it."""
    for order in scores.orders:
        _write_order(folder / name / order, view, (name, order), scores, pictures, ood_is_high)


def _write_order(
    place: Path, view: RunView, key: tuple[str, str], scores: Scores, pictures: pa.Table, ood_is_high: bool
) -> None:
    (place / "scores").mkdir(parents=True)
    (place / "plots").mkdir()
    name, order = key
    of_ood: dict[str, NDArray[np.float64]] = {}
    inside_pictures = pictures.filter(compute.equal(pictures["part"], 0))
    report = scores.reported
    of_id = scores.of[0][report] if scores.of else None
    for part in view.parts[1:]:
        inside, outside = scores.against_all(part.position, part.name, order)
        of_ood[part.name] = outside
        if not scores.of:  # the ID pictures have other scores in each stream
            _write_id(place, f"{part.name}-id", inside, inside_pictures, report, ood_is_high)
            title, end = f"{name}, {order}: {view.run.title}", f"-{_file_name(part.name)}"
            _write_plots(place, title, view.parts[0].name, inside[report], {part.name: outside}, end)
        mine = pictures.filter(compute.equal(pictures["part"], part.position))
        _write_npz(place, part.name, outside, mine, part.role == "generalisation", ood_is_high)
    if of_id is not None:
        _write_id(place, view.parts[0].name, scores.of[0], inside_pictures, report, ood_is_high)
        _write_plots(place, f"{name}: {view.run.title}", view.parts[0].name, of_id, of_ood)
    _write_openood(place, view, key)


def _write_plots(
    place: Path,
    title: str,
    id_name: str,
    of_id: NDArray[np.float64],
    of_ood: dict[str, NDArray[np.float64]],
    end: str = "",
) -> None:
    drawings = {"histogram": histogram(title, {id_name: of_id, **of_ood}), "roc": roc(title, of_id, of_ood)}
    for kind, drawing in drawings.items():
        (place / "plots" / f"{kind}{end}.svg").write_bytes(drawing.svg())
        (place / "plots" / f"{kind}{end}.png").write_bytes(drawing.png())


def _write_id(
    place: Path, name: str, scores: NDArray[np.float64], mine: pa.Table, report: NDArray[np.bool_], ood_is_high: bool
) -> None:
    """The ID pictures that the table reports on; those that only calibrated stand in a file of their own."""
    _write_npz(place, name, scores[report], mine.filter(pa.array(report)), True, ood_is_high)
    if not report.all():
        rest = mine.filter(pa.array(~report))
        _write_npz(place, f"{name}-calibration", scores[~report], rest, True, ood_is_high)


def _write_npz(
    place: Path, name: str, scores: NDArray[np.float64], mine: pa.Table, is_valid: bool, ood_is_high: bool
) -> None:
    """OpenOOD's arrays: pred, conf (higher = ID), label (-1 for OOD; a band's classes are valid and keep theirs)."""
    labels = [OOD_LABEL if value is None or not is_valid else value for value in mine["label"].to_pylist()]
    arrays = {
        "pred": mine["predicted"].to_numpy().astype(np.int64),
        "conf": scores,
        "label": np.array(labels, dtype=np.int64),
    }
    np.savez(place / "scores" / f"{_file_name(name)}.npz", **arrays)
    if ood_is_high:
        (place / "pytorch-ood").mkdir(exist_ok=True)
        np.savez(place / "pytorch-ood" / f"{_file_name(name)}.npz", scores=-scores, y=arrays["label"])


def _write_openood(place: Path, view: RunView, key: tuple[str, str]) -> None:
    """OpenOOD's table: percent with two decimals; its FPR@95 has OOD positive and its AUPR the trapezoid."""
    accuracy = next((100 * row.value for row in view.accuracy if row.part == view.parts[0].name), float("nan"))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dataset", "FPR@95", "AUROC", "AUPR_IN", "AUPR_OUT", "ACC"])
    groups: dict[str, list[list[float]]] = {"near": [], "far": []}
    near_or_far = {part.name: part.near_or_far for part in view.parts}
    for row in view.rows:
        if (row.method, row.stream_order) == key and row.scope == "set" and row.role == "ood":
            keys = ("fpr95_ood_positive_thinned", "aupr_in_trapezoid", "aupr_out_trapezoid")
            fpr, inside, outside = (100 * row.more[key] for key in keys)
            values = [fpr, 100 * row.auroc.value, inside, outside, accuracy]
            writer.writerow([row.part, *(f"{value:.2f}" for value in values)])
            if group := near_or_far[row.part]:
                groups[group].append(values)
    for group, rows in groups.items():
        if rows:
            writer.writerow([f"{group}ood", *(f"{value:.2f}" for value in np.mean(rows, axis=0))])
    (place / "ood.csv").write_text(text.getvalue(), encoding="utf-8")


def _write_sweep(folder: Path, rows: Sequence[SweepRow]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in SweepRow.__dataclass_fields__ if name != "run_id"]
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    (folder / "sweep.csv").write_text(text.getvalue(), encoding="utf-8")
    (folder / "table.md").write_text(sweep_markdown(rows), encoding="utf-8")
    (folder / "plots").mkdir()
    for setting in ("negatives", "temperature", "groups", "percentile"):
        if len({getattr(row, setting) for row in rows}) < 2:
            continue
        drawing = lines(f"AUROC over {setting}", setting, "AUROC", sweep_series(rows, setting))
        (folder / "plots" / f"{setting}.svg").write_bytes(drawing.svg())
        (folder / "plots" / f"{setting}.png").write_bytes(drawing.png())


def sweep_series(rows: Sequence[SweepRow], setting: str) -> dict[str, list[tuple[float, float]]]:
    """For each OOD set the best mean AUROC at each value of a setting, the other settings free."""
    found: dict[str, dict[float, float]] = {}
    for row in rows:
        if not row.is_chosen:
            best = found.setdefault(row.part, {})
            value = float(getattr(row, setting))
            best[value] = max(best.get(value, 0.0), row.auroc)
    return {part: sorted(points.items()) for part, points in found.items()}


def _write_manifest(folder: Path, view: RunView) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    values = {
        "run_id": view.run.run_id,
        "job_id": view.run.job_id,
        "title": view.run.title,
        "files": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
    }
    text = json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name)
