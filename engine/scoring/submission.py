"""Submitting a scoring job: which pictures, which prompts, which model."""

import difflib
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import EngineError
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.scoring.job import DECODERS, KIND, ScoringSettings
from engine.scoring.prompts import COMPATIBLE_TEMPLATE, check_template
from engine.workspace import Workspace
from store.candidates.superclasses import UnknownSuperclass, fetch_superclass_names
from store.connection import Store
from store.scoring import runs as store
from store.scoring.runs import Scorable

BATCH_SIZE = 256
LOCAL_PREFIX = "local-dir:"
HUB_PREFIX = "hf-hub:"


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """What a person asks for.

    Attributes:
        superclasses: names; empty for all.
        model: open_clip's architecture, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        pretrained: tag or path of a checkpoint; not used with a prefix.
        template: prompt template with {}.
        keep_underscores: leave the underscores of a name in its prompt.
        only_accepted: score accepted candidates only, instead of all that are not rejected.
        batch_size: pictures in a batch.
        device: see ``engine.jobs.devices``.
        reviewer: who asks.
        compiled: compile the model first; pays off for millions of pictures on a GPU.
        decoder: cpu, device (nvJPEG), or auto: device where the processor is the bottleneck.
        execution: who schedules the work, and how urgent it is.
    """

    superclasses: Sequence[str] = ()
    model: str = "ViT-B-32"
    pretrained: str | None = "openai"
    template: str = "{}"
    keep_underscores: bool = False
    only_accepted: bool = False
    batch_size: int = BATCH_SIZE
    device: str = "auto"
    reviewer: str = ""
    compiled: bool = False
    decoder: str = "auto"
    execution: Execution = LOCAL

    def compatible(self) -> "ScoringRequest":
        """The same with the reference's prompt: the bare name, with its underscores."""
        return replace(self, template=COMPATIBLE_TEMPLATE, keep_underscores=True)


@dataclass(frozen=True, slots=True)
class SubmittedScoring:
    """A submitted job, and the superclasses it leaves out because none of their candidates has pictures."""

    job_id: str
    superclasses: tuple[str, ...]
    pictures: int
    without_pictures: tuple[str, ...]


def submit(workspace: Workspace, request: ScoringRequest) -> SubmittedScoring:
    """Start a job that encodes the pictures of superclasses and their prompts.

    Raises: UnknownSuperclass; EngineError when there is nothing to score or the request cannot be met.
    """
    check_template(request.template)
    if request.decoder not in DECODERS:
        raise EngineError(f"There is no decoder {request.decoder}.", f"One of: {', '.join(DECODERS)}.")
    if request.batch_size < 1:
        raise EngineError("A batch has at least one picture.", "Give --batch-size a number above 0.")
    model, pretrained = absolute_model(request.model, request.pretrained)
    opened = workspace.opened()
    with opened.reading() as cursor:
        names = _chosen(fetch_superclass_names(cursor), request.superclasses)
        subclasses = _subclasses(store.fetch_scorable(cursor), names, request.only_accepted)
        empty = tuple(name for name in names if name not in subclasses)
        if not subclasses:
            raise _nothing_to_score(request.only_accepted)
        wnids = sorted({wnid for below in subclasses.values() for wnid in below})
        work = store.fetch_pictures(cursor, wnids)
        roots = store.fetch_root_folders(cursor, wnids)
    settings = ScoringSettings(
        model, pretrained, request.template, request.keep_underscores, request.batch_size,
        catalogue_id(opened), subclasses, roots, request.compiled, request.decoder,
    )  # fmt: skip
    job = runner.submit(
        workspace.root,
        KIND,
        settings.values(),
        work,
        request.device,
        title=" ".join(filter(None, (KIND, request.model, pretrained and request.pretrained))),
        reviewer=request.reviewer,
        execution=request.execution,
    )
    return SubmittedScoring(job.id, tuple(subclasses), work.num_rows, empty)


def _chosen(known: list[str], wanted: Sequence[str]) -> list[str]:
    if not known:
        raise EngineError("There is no superclass yet.", "`sood-tui candidates add SYNSET` makes one.")
    for name in wanted:
        if name not in known:
            raise UnknownSuperclass(name, difflib.get_close_matches(name, known, n=1))
    return sorted(set(wanted)) or known


def _subclasses(scorable: list[Scorable], names: list[str], only_accepted: bool) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    wanted = set(names)
    for row in scorable:
        fits = row.state == "accept" if only_accepted else row.state != "reject"
        if fits and row.superclass in wanted:
            chosen.setdefault(row.superclass, []).append(row.wnid)
    return chosen


def _nothing_to_score(only_accepted: bool) -> EngineError:
    if only_accepted:
        return EngineError("No accepted candidate has pictures.", "Leave out --only-accepted, or accept some first.")
    return EngineError(
        "No candidate has pictures.", "`sood-tui images add ROOT` adds pictures; `sood-tui status` shows what there is."
    )


def absolute_model(model: str, pretrained: str | None) -> tuple[str, str | None]:
    """Model and weights with absolute paths where they name files: a job works in a folder of its own.

    Raises: EngineError when the model names a folder that is not there.
    """
    if model.startswith(LOCAL_PREFIX):
        folder = Path(model.removeprefix(LOCAL_PREFIX)).expanduser()
        if not folder.is_dir():
            raise EngineError(f"The model folder {folder} does not exist.", f"{LOCAL_PREFIX} takes a folder's path.")
        return LOCAL_PREFIX + os.path.abspath(folder), None
    if model.startswith(HUB_PREFIX) or not pretrained:
        return model, None
    file = Path(pretrained).expanduser()
    return model, os.path.abspath(file) if file.is_file() else pretrained


def catalogue_id(opened: Store) -> str:
    """The id of the catalogue, which is given to it when it is first needed."""
    with opened.writing() as cursor:
        known = store.fetch_catalogue_id(cursor)
        if known is None:
            known = str(uuid.uuid4())
            store.insert_catalogue_id(cursor, known)
    return known
