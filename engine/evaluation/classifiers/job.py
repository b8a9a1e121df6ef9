"""Running a classifier as a job over the bands of a split, and scoring what it leaves."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.classifiers.bands import ClassifierRequest, score_predictions
from engine.evaluation.classifiers.matching import Predictions
from engine.evaluation.sets.pictures import resolve_set
from engine.evaluation.sets.roots import roots_of
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import Intake
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from store.evaluation import runs as store
from store.wordnet.lists import fetch_class_list

KIND = "classify"


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """Which classifier runs over the pictures of which split.

    Attributes:
        model: timm:NAME or torchvision:NAME.
        checkpoint: of its weights; None: those of its library.
        class_names: of its outputs, in order: superclasses or wnids.
        scoring: how its predictions are scored.
        execution: who schedules the work, and how urgent it is.
    """

    model: str
    checkpoint: str | None
    class_names: tuple[str, ...]
    scoring: ClassifierRequest
    batch_size: int = 64
    device: str = "auto"
    execution: Execution = LOCAL


def submit(workspace: Workspace, request: ClassifyRequest) -> str:
    """Start the job.

    Returns: its id.
    Raises: EngineError when the split has no bands or the classes have no names.
    """
    if not request.class_names:
        raise EngineError("What are the classes of the model?", "Give --classes FILE, or imagenet-1k.")
    checkpoint = _checkpoint(request.checkpoint)
    tuned = prepare(workspace, request.scoring.split).retune()
    present = [name for place, name in enumerate(tuned.bands) if (tuned.band == place).any()]
    with workspace.opened().reading() as cursor:
        sets = [
            resolve_set(workspace, cursor, name, f"split:{request.scoring.split}/{name}", "generalisation")
            for name in present
        ]
        roots = roots_of(cursor, [one.items for one in sets])
    paths = pa.concat_tables([one.items.select(["path"]) for one in sets])
    settings = {
        "model": request.model,
        "checkpoint": checkpoint,
        "classes": len(request.class_names),
        "class_names": list(request.class_names),
        "batch_size": request.batch_size,
        "scoring": asdict(request.scoring),
        "roots": roots,
    }
    job = runner.submit(
        workspace.root, KIND, settings, paths, request.device, title=f"classify {request.model}",
        reviewer=request.scoring.reviewer, execution=request.execution,
    )  # fmt: skip
    return job.id


def class_names_of(workspace: Workspace, classes: str, split: str) -> tuple[str, ...]:
    """What the outputs of a classifier are called: superclasses, the wnids of ImageNet-1k, or the lines of a file.

    Raises: EngineError when the file cannot be read.
    """
    if classes == "superclasses":
        return prepare(workspace, split).superclasses
    if classes == "imagenet-1k":
        with workspace.opened().reading() as cursor:
            return tuple(fetch_class_list(cursor, "imagenet_1k"))
    try:
        lines = Path(classes).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"The class names {classes} cannot be read: {error}.") from error
    return tuple(line.strip() for line in lines if line.strip())


def _checkpoint(given: str | None) -> str | None:
    if not given:
        return None
    file = Path(given).expanduser().absolute()
    if not file.is_file():
        raise EngineError(f"The weights {given} are not there.", "--checkpoint takes a file with a state dictionary.")
    return str(file)


def ingest(intake: Intake) -> None:
    """Score the logits of a finished job; see ``engine.jobs``."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    if store.fetch_run_of_job(intake.cursor, intake.job.id) is not None:
        return
    request = ClassifierRequest(**intake.spec.settings["scoring"])
    names = tuple(intake.spec.settings["class_names"])
    found = intake.outcome.result
    source = {
        "model": str(intake.spec.settings["model"]),
        "checkpoint": intake.spec.settings["checkpoint"],
        "weights_sha256": str(found.get("weights_sha256", "")),
        "unreadable": found.get("unreadable", 0),
    }
    predictions = replace(read_logits(intake.job, names), source=source)
    score_predictions(
        intake.workspace, intake.cursor, predictions, request, intake.job.id, intake.spec.created_at,
        intake.outcome.seconds,
    )  # fmt: skip


def read_logits(job: JobFolder, class_names: tuple[str, ...]) -> Predictions:
    """The logits that a job left, of the pictures that could be read.

    Raises: EngineError when there are none, or as many classes as names.
    """
    paths: list[str] = []
    arrays = []
    for part in job.parts():
        table = parquet.read_table(part.path)
        kept = table.filter(compute.is_valid(table["row"]))
        array = np.load(part.path.with_suffix(".npy"))
        if kept.num_rows:
            paths += kept["path"].to_pylist()
            arrays.append(array[kept["row"].to_numpy()])
    if not arrays:
        raise EngineError(f"{job.id} could not read a single picture.")
    logits = np.concatenate(arrays).astype(np.float64)
    if logits.shape[1] != len(class_names):
        raise EngineError(f"The model has {logits.shape[1]} classes and {len(class_names)} names.")
    return Predictions(tuple(paths), logits.argmax(axis=1), class_names, logits)
