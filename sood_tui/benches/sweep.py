"""What the page of a sweep shows: settings and numbers from a preview, from a job that still runs, or the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.evaluation.plan import KIND, Plan
from engine.evaluation.sweeps.grid import SweepResult
from engine.evaluation.sweeps.job import arriving
from engine.jobs.runner import find_job, list_jobs
from engine.workspace import Workspace
from store.evaluation import runs as store
from store.evaluation.runs import SweepRow

SAMPLE, EXACT = "preview on a sample", "all pictures"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting against one OOD set; fractions in [0, 1]."""

    variant: str
    temperature: float
    words: int
    groups: int
    part: str
    n_id: int
    n_ood: int
    auroc: float
    auroc_low: float
    auroc_high: float
    fpr95_id_positive: float


@dataclass(frozen=True, slots=True)
class SweepSight:
    """A sweep as far as it is known.

    Attributes:
        settings: every row that is there.
        chosen: the setting chosen on one half of the pictures, with its numbers on the other; empty before the end.
        source: whether the numbers are of a sample or of all pictures.
        expected: how many rows there will be.
        is_running: whether more are to come.
    """

    title: str
    settings: tuple[Setting, ...]
    chosen: tuple[Setting, ...]
    source: str
    expected: int
    is_running: bool = False


def sight_of_preview(title: str, found: Sequence[SweepResult]) -> SweepSight:
    """A preview."""
    settings = tuple(
        Setting(
            "", row.temperature, row.count, row.groups, row.ood, row.n_id, row.n_ood, row.auroc, row.auroc_low,
            row.auroc_high, row.fpr95_id_positive,
        )
        for row in found
    )  # fmt: skip
    return SweepSight(title, settings, (), SAMPLE, len(settings))


def sight_of_run(workspace: Workspace, run_id: int) -> SweepSight:
    """A sweep that is in the catalogue."""
    with workspace.opened().reading() as cursor:
        rows = store.fetch_sweep(cursor, run_id)
    return _sight(f"Sweep #{run_id}", rows, EXACT, len([row for row in rows if not row.is_chosen]), False)


def sight_of_job(workspace: Workspace, job_id: str) -> SweepSight:
    """A sweep whose job is at work; rows of all pictures as soon as there are any."""
    is_running = find_job(workspace.root, job_id).state() in ("queued", "running")
    found = arriving(workspace, job_id)
    rows, source = (found.exact, EXACT) if found.exact else (found.preview, SAMPLE)
    return _sight(f"Sweep of {job_id}", rows, source, found.expected, is_running)


def running_sweep(workspace: Workspace) -> str | None:
    """The job of a sweep that waits or works, the newest one."""
    for job in reversed(list_jobs(workspace.root)):
        spec = job.spec()
        if spec.kind == KIND and job.state() in ("queued", "running"):
            plan = Plan.read(workspace.root / str(spec.settings["folder"]))
            if plan.sweep is not None:
                return spec.id
    return None


def _sight(title: str, rows: Sequence[SweepRow], source: str, expected: int, is_running: bool) -> SweepSight:
    pairs = [(row.is_chosen, _of_row(row)) for row in rows]
    return SweepSight(
        title,
        tuple(setting for is_chosen, setting in pairs if not is_chosen),
        tuple(setting for is_chosen, setting in pairs if is_chosen),
        source,
        expected,
        is_running,
    )


def _of_row(row: SweepRow) -> Setting:
    return Setting(
        row.variant, row.temperature, row.negatives, row.groups, row.part, row.n_id, row.n_ood, row.auroc,
        row.auroc_low, row.auroc_high, row.fpr95_id_positive,
    )  # fmt: skip


def heat_map(settings: Sequence[Setting]) -> tuple[list[str], list[tuple[str, list[tuple[str, float]]]]]:
    """AUROC by temperature and number of words, the best over everything else in each cell.

    Returns: the heads of the columns; for each row its head and cells of (percent, share of the range from worst to
        best).
    """
    temperatures = sorted({one.temperature for one in settings})
    counts = sorted({one.words for one in settings})
    best: dict[tuple[float, int], float] = {}
    for one in settings:
        place = one.temperature, one.words
        best[place] = max(best.get(place, 0.0), one.auroc)
    low, high = min(best.values(), default=0.0), max(best.values(), default=1.0)
    span = (high - low) or 1.0
    rows = []
    for temperature in temperatures:
        found = [best.get((temperature, count)) for count in counts]
        cells = [("·", 0.0) if value is None else (f"{100 * value:.2f}", (value - low) / span) for value in found]
        rows.append((f"{temperature:g}", cells))
    return [f"{count:,}" for count in counts], rows


def lines_by_words(settings: Sequence[Setting]) -> list[tuple[int, float]]:
    """Number of words and the best AUROC with so many, in [0, 1]."""
    best: dict[int, float] = {}
    for one in settings:
        best[one.words] = max(best.get(one.words, 0.0), one.auroc)
    return sorted(best.items())
