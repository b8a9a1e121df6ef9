"""Asking a vision-language model about candidates, through a job."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from engine.candidates.superclasses import require
from engine.errors import EngineError
from engine.events import now
from engine.filters.answers import QUESTION, QUESTION_OF_ONE, QUESTION_OF_THE_PAPER, question
from engine.filters.verdicts import UNREADABLE
from engine.images.sample import sample_images
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.ingest import Intake
from engine.jobs.worklist import rows_of_a_shard
from engine.workspace import Workspace
from store import filters as store
from store.candidates.proposed import Candidate, fetch_candidates
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.images import roots as image_roots
from store.paths import path_of_text
from store.scoring.embeddings import append_read_issues, delete_read_issues

KIND = "vlm-filter"
LEAST_IMAGES = 8
STAND_INS = 4
CANDIDATES_A_SHARD = 32
FEW_NAMES = 2
MOST_PICTURES = 400
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_WHAT_A_MODEL_IS = "Name a transformers id, such as google/paligemma2-3b-mix-224, or a folder with config and weights."

WORK_SCHEMA = pa.schema(
    [
        pa.field("superclass", pa.string()),
        pa.field("wnid", pa.string()),
        pa.field("question", pa.string()),
        pa.field("wanted", pa.int32()),
        pa.field("image_ids", pa.list_(pa.int64())),
        pa.field("paths", pa.list_(pa.binary())),
    ]
)


@dataclass(frozen=True, slots=True)
class VlmRequest:
    """What a person asks for.

    Attributes:
        superclasses: names; empty for all.
        model: transformers id or local folder.
        samples: pictures on a sheet at most.
        per_picture: ask about so many single pictures instead of a sheet; None: a sheet.
        seed: with the wnid, draws the pictures.
        compatible: ask and read the answer as the paper's script does.
        least_images: fewer readable pictures are `insufficient`, unless fewer are asked for.
        pending_only: leave out candidates that a person has decided.
        batch_size: sheets or pictures in a batch.
    """

    model: str
    superclasses: Sequence[str] = ()
    samples: int = 16
    per_picture: int | None = None
    seed: int = 0
    compatible: bool = False
    least_images: int = LEAST_IMAGES
    pending_only: bool = False
    batch_size: int = 8
    device: str = "auto"
    reviewer: str = ""
    execution: Execution = LOCAL


def submit(workspace: Workspace, request: VlmRequest) -> str:
    """Start the job that asks.

    Returns: the job's id.
    Raises: UnknownSuperclass; EngineError where there is nothing to ask, no model, or numbers that make no sense.
    """
    settings, work = prepare(workspace, request)
    job = runner.submit(
        workspace.root,
        KIND,
        settings,
        work,
        request.device,
        shard_rows=rows_of_a_shard(KIND, settings, work, request.device, request.execution, CANDIDATES_A_SHARD),
        title=title_of(request),
        reviewer=request.reviewer,
        execution=request.execution,
    )
    return job.id


def prepare(workspace: Workspace, request: VlmRequest) -> tuple[dict[str, object], pa.Table]:
    """What the job is given: its settings and its list of work.

    Raises: EngineError as ``submit``.
    """
    if request.samples < 1 or (request.per_picture is not None and request.per_picture < 1) or request.batch_size < 1:
        raise EngineError("Samples, single pictures and batches are at least 1.")
    if max(request.samples, request.per_picture or 1) > MOST_PICTURES:
        raise EngineError(
            f"A model is shown at most {MOST_PICTURES} pictures of a candidate.",
            "On a sheet of more nothing could be told apart, and all of them are in memory at once.",
        )
    if request.compatible and request.per_picture is not None:
        raise EngineError("The paper's script asks about sheets only.", "Leave out --per-picture or --compat.")
    if request.execution.executor == "local":  # the machines of a cluster may have folders that this one lacks
        check_model(request.model)
    with workspace.opened().reading() as cursor:
        chosen = _candidates(cursor, request)
        roots = image_roots.fetch_roots(cursor)
        glosses = store.fetch_root_glosses(cursor)
        rows = [
            _work_row(cursor, roots, candidate, _question(candidate, request, glosses), request) for candidate in chosen
        ]
    settings = {**asdict(request), "mode": "sheet" if request.per_picture is None else "picture"}
    settings["least_images"] = min(request.least_images, request.per_picture or request.samples)
    settings["model"] = _absolute(request.model)
    settings["roots"] = sorted(root.path for root in roots.values())
    settings.pop("execution")
    return settings, pa.Table.from_pylist(rows, WORK_SCHEMA)


def check_model(model: str) -> None:
    """Refuse a local folder that cannot hold a model, before a job is made that could only fail.

    Raises: EngineError for a path where there is none, a file, or a folder without a config.json.
    """
    place = Path(model).expanduser()
    if not place.exists():
        if place.is_absolute() or model.startswith("."):
            raise EngineError(f"The model folder {model} does not exist.", _WHAT_A_MODEL_IS)
        if not _HUB_ID.fullmatch(model):
            raise EngineError(f"{model!r} is neither a folder nor a transformers id.", _WHAT_A_MODEL_IS)
        return
    if not place.is_dir():
        raise EngineError(f"{model} is a file, not a model folder.", _WHAT_A_MODEL_IS)
    if not (place / "config.json").is_file():
        raise EngineError(f"The folder {model} holds no model: config.json is missing.", _WHAT_A_MODEL_IS)


def title_of(request: VlmRequest) -> str:
    """What a person calls the job: what tells it from others, the model's short name first."""
    words = [KIND, Path(request.model).name or request.model]
    if request.per_picture is not None:
        words.append(f"{request.per_picture} single")
    if request.compatible:
        words.append("as the paper")
    if request.seed:
        words.append(f"seed {request.seed}")
    names = tuple(dict.fromkeys(request.superclasses))
    about = f"{len(names)} superclasses" if len(names) > FEW_NAMES else ", ".join(names)
    return " ".join(words) + (f": {about}" if about else "")


def ingest(intake: Intake) -> None:
    """Take verdicts in; see ``engine.jobs`` for the contract."""
    settings = dict(intake.spec.settings)
    run_id = store.fetch_run_of_job(intake.cursor, intake.job.id)
    if intake.part is None:
        return  # a job that ended before its first verdict is no run
    if run_id is None:
        text = json.dumps(settings, sort_keys=True)
        run_id = store.insert_run(intake.cursor, "vlm", settings["mode"], settings["model"], text, intake.job.id, now())
    store.set_revision(intake.cursor, run_id, intake.part.metadata["revision"])
    store.insert_part(intake.cursor, run_id, str(intake.part.path))
    if problems := json.loads(intake.part.metadata.get(UNREADABLE, "[]")):
        table = pa.Table.from_pylist([{**problem, "row": None} for problem in problems])
        delete_read_issues(intake.cursor, table)
        append_read_issues(intake.cursor, table, now())


def _candidates(cursor: Cursor, request: VlmRequest) -> list[Candidate]:
    for name in request.superclasses:
        require(cursor, name)
    names = list(dict.fromkeys(request.superclasses)) or fetch_superclass_names(cursor)
    found = [candidate for name in names for candidate in fetch_candidates(cursor, name)]
    if not found:
        raise EngineError("There is no candidate to ask about.", "`sood-tui candidates add SYNSET` makes some.")
    shown = [row for row in found if row.images]
    if not shown:
        raise EngineError(f"None of {len(found):,} candidates has pictures.", "`sood-tui images add ROOT` brings some.")
    chosen = [row for row in shown if not request.pending_only or row.state == "pending"]
    if not chosen:
        raise EngineError("No candidate is pending: people have decided them all.", "Leave out --pending.")
    return chosen


def _work_row(
    cursor: Cursor, roots: dict[int, image_roots.Root], candidate: Candidate, text: str, request: VlmRequest
) -> dict[str, object]:
    wanted = request.per_picture or request.samples
    drawn = sample_images(cursor, candidate.wnid, wanted + STAND_INS, request.seed)
    paths = [os.fsencode(roots[image.root_id].folder / path_of_text(image.path)) for image in drawn]
    return {
        "superclass": candidate.superclass,
        "wnid": candidate.wnid,
        "question": text,
        "wanted": wanted,
        "image_ids": [image.image_id for image in drawn],
        "paths": paths,
    }


def _question(candidate: Candidate, request: VlmRequest, glosses: dict[str, str]) -> str:
    """The question about the superclass, with {n} left open where the number of readable pictures goes."""
    single = QUESTION_OF_ONE if request.per_picture is not None or request.samples == 1 else QUESTION
    template = QUESTION_OF_THE_PAPER if request.compatible else single
    return question(template, candidate.superclass, glosses.get(candidate.superclass, candidate.superclass))


def _absolute(model: str) -> str:
    # The job works in a folder of its own, where a relative path would mean something else.
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else model
