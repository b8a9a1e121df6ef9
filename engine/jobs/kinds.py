"""The kinds of jobs there are, as data: which function works, which function takes the results in."""

import functools
import glob
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from engine.errors import EngineError

ENTRY_POINTS = "sood_tui.job_kinds"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job; the contract of both functions stands in the docstring of ``engine.jobs``.

    Attributes:
        name: the second half of a job's id, ``0007-scoring``.
        function: ``module:function``, resolved by the worker only.
        ingest: ``module:function``, resolved by the owner of the catalogue; None where there is nothing to take in.
        unit: what a row of the work list is, in the plural, as progress is shown.
        on_device: whether it waits for its device until earlier jobs have left it.
        parallel: whether several processes may share its shards; each calls ``function`` once.
        concludes: whether there is something to be done once, after all shards, see ``ShardRun.concludes``: where
            several processes have shared them, ``function`` is then called once more, by the leader, without a shard.
        needs: files of the workspace that a process on another machine needs, as patterns below its root; the job's
            settings may be named in braces.
        own: settings that name folders of the workspace which were written for the job alone.
        sums: results of ``function`` that are added up over the processes; of the others the first one's count.
        batch_rows: rows that ``function`` takes at once, where no setting ``batch_size`` says it.
        row_bytes: what the results of a row of the work list take on the disk at most, in parts and in the catalogue;
            looked at before the start. A kind that knows it only with its model calls ``run.need_space`` as well.
    """

    name: str
    function: str
    ingest: str | None
    unit: str
    on_device: bool
    parallel: bool = False
    concludes: bool = False
    needs: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    batch_rows: int = 1
    row_bytes: int = 128

    def needed(self, settings: Mapping[str, Any]) -> list[str]:
        """``needs`` with what the settings of a job say in place of their names."""
        if self.name == "estimate":  # what it tries needs them
            return find_kind(str(settings["kind"])).needed(settings["settings"])
        words = {name: glob.escape(str(value)) for name, value in settings.items()}
        return [pattern.format_map(words) for pattern in self.needs]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "scan",
            "engine.images.scan:run",
            "engine.images.scan:ingest",
            unit="folders",
            on_device=False,
            row_bytes=8192,
        ),
        Kind(
            "text-match",
            "engine.gpu.text:run",
            "engine.candidates.match:ingest_match",
            "synsets",
            on_device=True,
            parallel=True,
        ),
        Kind(
            "scoring",
            "engine.gpu.scoring:run",
            "engine.scoring.ingest:ingest",
            unit="pictures",
            on_device=True,
            parallel=True,
            needs=("embeddings/*/part-*.parquet",),  # they say what is encoded already
            sums=("encoded", "already_encoded", "unreadable"),
        ),
        Kind(
            "vlm-filter",
            "engine.gpu.vlm_filter:run",
            "engine.filters.asking:ingest",
            unit="candidates",
            on_device=True,
            parallel=True,
            sums=("refused", "unreadable"),
            row_bytes=1024,
        ),
        Kind(
            "evaluation",
            "engine.gpu.evaluation:run",
            "engine.evaluation.ingest:ingest",
            unit="pictures",
            on_device=True,
            parallel=True,
            concludes=True,
            own=("folder",),
            needs=("{folder}/*", "embeddings/*/part-*.parquet", "embeddings/*/files/part-*.parquet"),
            sums=("embedded", "unreadable"),
        ),
        Kind(
            "label-proposals",
            "engine.gpu.class_ranking:run_proposals",
            "engine.labels.proposals:ingest",
            unit="pictures",
            on_device=True,
            parallel=True,
            needs=("embeddings/{model_key}/part-*.npy", "embeddings/{model_key}/texts/*"),
            sums=("pictures",),
            batch_rows=1024,
            row_bytes=512,
        ),
        Kind(
            "zero-shot",
            "engine.gpu.class_ranking:run_predictions",
            "engine.labels.classifiers:ingest_zero_shot",
            unit="pictures",
            on_device=True,
            parallel=True,
            needs=("embeddings/{model_key}/part-*.npy", "embeddings/{model_key}/texts/*"),
            sums=("pictures",),
            batch_rows=1024,
            row_bytes=512,
        ),
        Kind(
            "predict-classes",
            "engine.gpu.class_predictions:run",
            "engine.labels.classifiers:ingest_model",
            unit="pictures",
            on_device=True,
            parallel=True,
            sums=("unreadable",),
            row_bytes=512,
        ),
        Kind(
            "prints",
            "engine.likeness.job:run_prints",
            "engine.likeness.job:ingest_prints",
            unit="pictures",
            on_device=False,
        ),
        Kind(
            "neighbours",
            "engine.likeness.job:run_neighbours",
            "engine.likeness.job:ingest_neighbours",
            unit="pictures",
            on_device=False,
        ),
        Kind("estimate", "engine.jobs.estimate:run", None, unit="units", on_device=True),
        Kind(
            "classify",
            "engine.gpu.class_logits:run",
            "engine.evaluation.classifiers.job:ingest",
            unit="pictures",
            on_device=True,
            parallel=True,
            sums=("unreadable",),
        ),
        Kind("train-demo-clip", "engine.gpu.demo_clip:run", None, unit="steps", on_device=True),
    )
}


def find_kind(name: str) -> Kind:
    """The kind of that name: one of ours, or one that an installed package declares.

    A package adds a kind with an entry point in the group ``sood_tui.job_kinds`` whose object is a ``Kind``.

    Raises:
        EngineError: nobody declares it.
    """
    return KINDS.get(name) or _find_declared(name)


@functools.cache
def _find_declared(name: str) -> Kind:
    # Looking through all installed packages takes long enough to be seen, and a waiting worker asks all the time.
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        kind = entry.load()
        if isinstance(kind, Kind):
            return kind
    raise EngineError(
        f"There is no kind of job named {name!r}.",
        hint=f"Known are {', '.join(KINDS)}. The job may come from a newer version or from a package that is gone.",
    )


def resolve(name: str) -> Callable[..., Any]:
    """The function that ``module:function`` names. This is where heavy libraries are loaded.

    Raises:
        EngineError: it is not there.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"{name} cannot be loaded: there is no module {error.name}.",
            hint="Install what is missing, then resume the job.",
        ) from error
    return found
