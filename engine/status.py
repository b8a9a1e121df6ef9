"""Where a workspace stands: a count for each room, and the command that comes next."""

from dataclasses import dataclass

from engine.jobs.runner import ACTIVE, list_jobs
from engine.jobs.summary import JobSummary, summarise
from engine.workspace import Workspace
from store.status import Funnel, fetch_funnel


@dataclass(frozen=True, slots=True)
class RoomCount:
    """What a room holds: a number, what it counts, and the rest in words."""

    room: str
    count: int
    unit: str
    detail: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command, and why it comes next."""

    command: str
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """The funnel of a workspace, its running jobs and the next step."""

    rooms: tuple[RoomCount, ...]
    jobs: tuple[JobSummary, ...]
    next_step: NextStep


def read_status(workspace: Workspace) -> Status:
    """The status of an open workspace."""
    with workspace.opened().reading() as cursor:
        funnel = fetch_funnel(cursor)
    summaries = [summarise(job) for job in list_jobs(workspace.root)]
    return Status(
        rooms=room_counts(funnel),
        jobs=tuple(summary for summary in summaries if summary.state in ACTIVE),
        next_step=next_step(funnel),
    )


def room_counts(funnel: Funnel) -> tuple[RoomCount, ...]:
    """One row a room, in the order of the walk."""
    decided = funnel.accepted + funnel.rejected + funnel.unsure
    settled = f"{funnel.accepted:,} accepted, {funnel.rejected:,} rejected, {funnel.unsure:,} unsure"
    return (
        RoomCount(
            "wordnet", funnel.noun_synsets, "noun synsets", "WordNet 3.0" if funnel.noun_synsets else "not in yet"
        ),
        RoomCount(
            "images",
            funnel.images,
            "pictures",
            ", ".join(
                (
                    counted(funnel.image_roots, "roots"),
                    counted(funnel.synsets_with_images, "synsets"),
                    counted(funnel.image_issues, "issues"),
                )
            ),
        ),
        RoomCount("candidates", funnel.candidates, "candidates", counted(funnel.superclasses, "superclasses")),
        RoomCount("filters", funnel.judged, "judged candidates", counted(funnel.filter_runs, "runs")),
        RoomCount(
            "review",
            decided,
            "decided",
            f"{funnel.pending:,} pending, {settled}, {counted(funnel.replicas, 'replicas')}",
        ),
        RoomCount("scoring", funnel.scored_images, "scored pictures", counted(funnel.score_runs, "runs")),
        RoomCount("splits", funnel.splits, "splits with settings of their own", ""),
        RoomCount("export", funnel.exports, "exports", ""),
        RoomCount("evaluation", funnel.evaluations, "evaluations", ""),
    )


def counted(count: int, things: str) -> str:
    """A number and what it counts: ``1 root``, ``2 roots``, ``1 superclass``."""
    one = things.removesuffix("es") if things.endswith("sses") else things.removesuffix("s")
    return f"{count:,} {one if count == 1 else things}"


def next_step(funnel: Funnel) -> NextStep:
    """The first step of the walk that has not been taken."""
    steps = (
        (funnel.noun_synsets == 0, "init .", "WordNet is not in the workspace."),
        (funnel.image_roots == 0, "images add FOLDER", "There are no pictures yet."),
        (funnel.images == 0, "images issues", "No picture was found in the folders; this says why."),
        (funnel.superclasses == 0, "candidates add SYNSET", "There is no superclass yet."),
        (funnel.candidates == 0, "candidates list", "No synset below the superclasses has pictures."),
        (funnel.pending > 0, "review list --pending", f"{funnel.pending:,} candidates wait for a decision."),
        (funnel.accepted == 0, "review list", "No candidate is accepted."),
        (funnel.replicas > 0, "review replicas", f"{funnel.replicas:,} synsets are accepted by several superclasses."),
        (funnel.score_runs == 0, "scoring run", "The pictures are not scored yet."),
        (funnel.splits == 0 and funnel.exports == 0, "splits show", "The split is by the default percentiles."),
        (funnel.exports == 0, "export run DIR", "Nothing was exported yet."),
    )
    for missing, command, reason in steps:
        if missing:
            return NextStep(f"sood-tui {command}", reason)
    return NextStep("sood-tui export verify DIR", "Everything is there; an export can be verified at any time.")
