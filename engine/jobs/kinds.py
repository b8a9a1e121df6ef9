"""The kinds of jobs there are, as data: which function works, which function takes the results in."""

from dataclasses import dataclass
from importlib.metadata import entry_points

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
    """

    name: str
    function: str
    ingest: str | None
    unit: str
    on_device: bool


KINDS = {
    kind.name: kind
    for kind in (
        Kind("scan", "engine.images.scan:run", "engine.images.scan:ingest", unit="folders", on_device=False),
        Kind("text-match", "engine.gpu.text:run", "engine.candidates:ingest_match", unit="synsets", on_device=True),
        Kind("scoring", "engine.gpu.scoring:run", "engine.scoring.ingest:ingest", unit="pictures", on_device=True),
        Kind(
            "vlm-filter",
            "engine.gpu.vlm_filter:run",
            "engine.filters.asking:ingest",
            unit="candidates",
            on_device=True,
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
    if name in KINDS:
        return KINDS[name]
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        kind = entry.load()
        if isinstance(kind, Kind):
            return kind
    raise EngineError(
        f"There is no kind of job named {name!r}.",
        hint=f"Known are {', '.join(KINDS)}. The job may come from a newer version or from a package that is gone.",
    )
