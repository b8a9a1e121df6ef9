"""Predictions in a workspace: from a file, zero-shot from cached embeddings, or by a classifier that runs as a job."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.files import sha256_of
from engine.jobs.ingest import Intake
from engine.labels.classes import CLASS_LISTS, IMAGENET, class_names
from engine.labels.formulas import LEAST_SHARE, TEMPERATURE
from engine.labels.prediction_files import DEPTH, read_predictions
from engine.labels.ranking import RankingSettings, find_set, prompts_of, work_list
from engine.workspace import Workspace
from store.connection import Cursor
from store.images import roots as image_roots
from store.labels import predictions as store
from store.labels import truth as labels
from store.labels.predictions import PredictionRun
from store.scoring.embeddings import fetch_set

ZERO_SHOT = "zero-shot"
PREDICT = "predict-classes"


@dataclass(frozen=True, slots=True)
class PredictionReport:
    """What a file of predictions brought: rows of the file, and how many of them are one, no or several pictures."""

    predictions: str
    rows: int
    matched: int
    absent: int
    ambiguous: int


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of a classifier's job.

    Attributes:
        model: `timm:NAME` or `torchvision:NAME`.
        checkpoint: absolute path of its weights; None: the library's own.
        wnids: its classes, in the order of its outputs.
        roots: folders of the pictures, as text.
        batch_size: pictures in a batch, until memory runs out.
        depth: how many classes are ranked.
        name: of the predictions.
    """

    model: str
    checkpoint: str | None
    wnids: Sequence[str]
    roots: Sequence[str]
    batch_size: int
    depth: int
    name: str

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def import_predictions(
    workspace: Workspace,
    path: Path,
    name: str,
    classes: str = IMAGENET,
    root: str | None = None,
    names: Path | None = None,
) -> PredictionReport:
    """Take predictions in from a file; nothing is kept unless all of it was understood.

    Args:
        path: see `prediction_files.read_predictions`.
        name: what they are called from now on.
        classes: a list of classes, or a text file with a wnid a line, in the order of the class indices.
        root: only pictures of this image root; None: of all.
        names: file name of each row, where the npz has none.

    Raises: EngineError for a bad file, a name that is taken, and a file that names no picture of this workspace.
    """
    path = path.expanduser().resolve()
    with workspace.opened().writing() as cursor:
        _check_name(cursor, name)
        table = read_predictions(path, _classes(cursor, classes), names)
        root_id = image_roots.fetch_root(cursor, root).root_id if root else None
        entries = pa.table({"line": list(table.lines), "file": list(table.files)})
        found = labels.match_entries(cursor, entries, root_id)
        counts = found["images"].to_pylist()
        place = {line: index for index, line in enumerate(table.lines)}
        matched = [
            (image_id, place[line])
            for line, image_id in zip(found["line"].to_pylist(), found["image_id"].to_pylist(), strict=True)
            if image_id is not None
        ]
        if not matched:
            raise EngineError(
                f"None of the {len(table.files)} file names in {path} is one picture of this workspace.",
                f"The first is {table.files[0]}. Add the pictures first: `sood-tui images add ROOT`.",
            )
        ranked = table.ranked[[row for _, row in matched]]
        rows = pa.table(
            {"image_id": [image for image, _ in matched], "ranked": pa.array(ranked.astype("int32").tolist())}
        )
        digest = sha256_of(path)
        store.insert_prediction_run(
            cursor,
            PredictionRun(
                name, path.suffix[1:].lower(), str(path), digest, "{}", table.classes, table.ranked.shape[1],
                len(table.files), len(matched), now(),
            ),
        )  # fmt: skip
        store.insert_predictions(cursor, name, rows)
    return PredictionReport(name, len(counts), len(matched), sum(n == 0 for n in counts), sum(n > 1 for n in counts))


def submit_zero_shot(
    workspace: Workspace,
    name: str,
    class_list: str = "pictures",
    model: str | None = None,
    template: str = "a photo of a {}",
    device: str = "auto",
    reviewer: str = "",
    execution: Execution = LOCAL,
) -> str:
    """Start zero-shot predictions from cached embeddings.

    Returns: the id of the job.
    Raises: EngineError when the name is taken or there are no embeddings.
    """
    with workspace.opened().reading() as cursor:
        _check_name(cursor, name)
        embedded = find_set(cursor, model)
        classes = class_names(cursor, class_list)
        work = work_list(workspace, cursor, embedded, classes, None)
    settings = RankingSettings(
        embedded.model, embedded.pretrained, embedded.model_key, class_list, classes.wnids,
        prompts_of(classes, template), template, TEMPERATURE, LEAST_SHARE, min(DEPTH, len(classes.wnids)), name,
    )  # fmt: skip
    job = runner.submit(
        workspace.root, ZERO_SHOT, settings.values(), work, device, title=f"zero-shot {name}", reviewer=reviewer,
        execution=execution,
    )  # fmt: skip
    return job.id


def submit_model(
    workspace: Workspace,
    name: str,
    model: str,
    checkpoint: Path | None = None,
    classes: str = IMAGENET,
    root: str | None = None,
    batch_size: int = 128,
    device: str = "auto",
    reviewer: str = "",
    execution: Execution = LOCAL,
) -> str:
    """Start a timm or torchvision classifier on the pictures of the workspace, or of one root.

    Args:
        model: `timm:NAME` or `torchvision:NAME`.
        checkpoint: its weights; None: the library's own, which are fetched if they are not cached.
        classes: a list of classes, or a text file with a wnid a line, in the order of the model's outputs.

    Returns: the id of the job.
    Raises: EngineError when the name is taken, or the request cannot be met.
    """
    library, _, architecture = model.partition(":")
    if library not in ("timm", "torchvision") or not architecture:
        raise EngineError(f"{model!r} names no classifier.", "Write timm:NAME or torchvision:NAME.")
    weights = checkpoint.expanduser().resolve() if checkpoint else None
    if weights is not None and not weights.is_file():
        raise EngineError(f"The checkpoint {weights} is not there.")
    if batch_size < 1:
        raise EngineError("A batch has at least one picture.", "Give --batch-size a number above 0.")
    with workspace.opened().reading() as cursor:
        _check_name(cursor, name)
        wnids = _classes(cursor, classes)
        root_id = image_roots.fetch_root(cursor, root).root_id if root else None
        work = store.fetch_pictures(cursor, root_id)
        roots = [one.path for one in image_roots.fetch_roots(cursor).values() if root_id in (None, one.root_id)]
    if not work.num_rows:
        raise EngineError("There are no pictures.", "`sood-tui images add ROOT` adds them.")
    settings = ModelSettings(
        model, str(weights) if weights else None, wnids, roots, batch_size, min(DEPTH, len(wnids)), name
    )
    job = runner.submit(
        workspace.root, PREDICT, settings.values(), work, device, title=f"classes by {model}", reviewer=reviewer,
        execution=execution,
    )  # fmt: skip
    return job.id


def ingest_zero_shot(intake: Intake) -> None:
    """Take finished zero-shot predictions in."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    settings = RankingSettings.of(intake.spec.settings)
    embedded = fetch_set(intake.cursor, settings.model_key)
    kept = {key: getattr(settings, key) for key in ("model_key", "class_list", "template", "temperature")}
    origin = f"{settings.model} {settings.pretrained or ''}".strip()
    _take_in(
        intake, settings.name, ZERO_SHOT, origin, embedded.weights_sha256 if embedded else "", kept, settings.wnids
    )


def ingest_model(intake: Intake) -> None:
    """Take the finished predictions of a classifier in."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    settings, result = ModelSettings(**intake.spec.settings), intake.outcome.result
    kept = {key: result[key] for key in ("size", "mean", "std", "interpolation")}
    origin = f"{settings.model} {settings.checkpoint or ''}".strip()
    _take_in(intake, settings.name, "model", origin, str(result["weights_sha256"]), kept, settings.wnids)


def _take_in(
    intake: Intake, name: str, kind: str, origin: str, sha256: str, settings: dict[str, Any], wnids: Sequence[str]
) -> None:
    parts = intake.job.parts()
    # The last call may come twice; the second time everything is there already.
    store.delete_predictions(intake.cursor, name)
    store.insert_prediction_parts(intake.cursor, name, [str(part.path) for part in parts])
    store.insert_prediction_run(
        intake.cursor,
        PredictionRun(
            name, kind, origin, sha256, json.dumps(settings, sort_keys=True), tuple(wnids), min(DEPTH, len(wnids)),
            intake.spec.total or 0, sum(part.rows for part in parts), now(),
        ),
    )  # fmt: skip


def _check_name(cursor: Cursor, name: str) -> None:
    if not name.strip() or name != name.strip():
        raise EngineError(f"{name!r} is no name for predictions.")
    if any(run.predictions == name for run in store.fetch_prediction_runs(cursor)):
        raise EngineError(
            f"There are predictions {name} already.", f"Name others, or `sood-tui evaluation forget {name}` first."
        )


def _classes(cursor: Cursor, text: str) -> tuple[str, ...]:
    """The wnids of a list of classes, or of a file with a wnid a line.

    Raises: EngineError naming file and line.
    """
    if text in CLASS_LISTS:
        return class_names(cursor, text).wnids
    path = Path(text).expanduser()
    if not path.is_file():
        raise EngineError(f"{text} is neither a list of classes nor a file.", f"Lists are {', '.join(CLASS_LISTS)}.")
    try:
        wnids = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error
    known = labels.fetch_known_wnids(cursor, wnids)
    for line, wnid in enumerate(wnids, start=1):
        if wnid not in known or wnids.index(wnid) < line - 1:
            problem = "stands there twice" if wnid in known else "is no synset of the catalogue"
            raise EngineError(f"{path}, line {line}: {wnid} {problem}.")
    return tuple(wnids)
