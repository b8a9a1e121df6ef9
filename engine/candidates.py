"""Which synsets may stand under each superclass? From WordNet's hierarchy, or by the words that describe them."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import Intake
from engine.jobs.runner import submit
from engine.seed_list import Seed, read_seeds
from engine.workspace import Workspace
from store import candidates as rows
from store import text_match
from store.candidates import Candidate, Overlap, Superclass, UnknownSuperclass
from store.connection import Cursor
from store.images import fetch_count
from store.text_match import Match
from store.wordnet import fetch_synset

_SHARD_TEXTS = 2048


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding a superclass, or adding it again, has brought.

    Attributes:
        is_new: whether the superclass was not there before.
        added: wnids that were not candidates before.
        dropped: undecided candidates that a smaller depth limit took away.
        candidates: how many there are now.
        images: pictures of all candidates.
        root_images: pictures of roots that are no candidates themselves.
        overlaps: other superclasses that it touches.
    """

    superclass: str
    roots: tuple[str, ...]
    depth_limit: int | None
    is_new: bool
    added: tuple[str, ...]
    dropped: int
    candidates: int
    images: int
    root_images: int
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """What goes with a superclass, or would go. Decisions stay in the log and count again when it is added again."""

    superclass: str
    candidates: int
    images: int
    accepted: int
    rejected: int
    unsure: int
    score_runs: int
    removed: bool


def add_superclass(
    workspace: Workspace,
    roots: Sequence[str],
    name: str | None = None,
    depth: int | None = None,
    include_root: bool = False,
) -> AddReport:
    """Make a superclass of what lies below its roots and has pictures; of one that is there, look for what is new.

    Args:
        workspace: open.
        roots: wnids; the first one gives the name where none is given.
        name: as exports and prompts use it, without spaces.
        depth: at most so many steps below a root; None for all, or for the limit that the superclass has.
        include_root: whether the roots themselves are candidates.

    Raises: EngineError for a name that cannot be used, or where nothing below the roots has pictures; UnknownWnid.
    """
    with workspace.opened().writing() as cursor:
        return _add(cursor, Seed("", tuple(roots), name, depth, include_root))


def seed_file(workspace: Workspace, path: Path) -> list[AddReport]:
    """Add all superclasses of a YAML or text list, or none of them.

    Raises: EngineError that names every problem of the list at once.
    """
    with workspace.opened().writing() as cursor:
        seeds, problems = read_seeds(cursor, path)
        reports: list[AddReport] = []
        taken: dict[str, str] = {}
        for seed in seeds:
            try:
                superclass = _name_of(cursor, seed)
                if superclass in taken:
                    raise EngineError(f"the name {superclass} is used by {taken[superclass]} already")
                taken[superclass] = seed.place
                reports.append(_add(cursor, seed))
            except EngineError as error:
                problems.append(f"{seed.place}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
        if problems:
            listed = "\n".join(f"  {problem}" for problem in problems)
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            # Raised inside the transaction: whatever was added before is taken back.
            raise EngineError(
                f"{path} has {count}; nothing was added:\n{listed}", "Correct the list and seed it again."
            )
        return reports


def remove(workspace: Workspace, superclass: str, dry_run: bool = False) -> RemoveReport:
    """Take a superclass and its candidates away, or tell what that would take along.

    Raises: UnknownSuperclass.
    """
    with workspace.opened().writing() as cursor:
        found = require(cursor, superclass)
        report = RemoveReport(
            superclass,
            found.candidates,
            found.images,
            found.accepted,
            found.rejected,
            found.unsure,
            rows.count_score_runs(cursor, superclass),
            removed=not dry_run,
        )
        if not dry_run:
            rows.delete_candidates(cursor, superclass)
            rows.delete_superclass_roots(cursor, superclass)
            rows.delete_superclass(cursor, superclass)
    return report


def require(cursor: Cursor, superclass: str) -> Superclass:
    """The superclass of that name.

    Raises: UnknownSuperclass, with a near spelling.
    """
    known = {found.superclass: found for found in rows.fetch_superclasses(cursor)}
    if superclass not in known:
        raise UnknownSuperclass(superclass, difflib.get_close_matches(superclass, known, n=1))
    return known[superclass]


def list_candidates(cursor: Cursor, superclass: str) -> list[Candidate]:
    """The candidates of a superclass.

    Raises: UnknownSuperclass.
    """
    require(cursor, superclass)
    return rows.fetch_candidates(cursor, superclass)


def overlaps(cursor: Cursor, superclass: str | None = None) -> list[Overlap]:
    """Pairs of superclasses that lie inside each other or share candidates: all pairs, or those of one."""
    return rows.fetch_overlaps(cursor, superclass)


def submit_match(
    workspace: Workspace,
    text: str,
    model: str,
    pretrained: str | None = None,
    device: str = "auto",
    execution: Execution = LOCAL,
) -> JobFolder:
    """Start the comparison of a text with the words and the gloss of every synset that has pictures.

    Args:
        workspace: open.
        text: what is looked for, in words.
        model: open_clip's architecture, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip's tag or a checkpoint's path.
        device: see ``engine.jobs.devices``.
        execution: who schedules the work, and how urgent it is.

    Raises: EngineError for an empty text, or where no synset has pictures.
    """
    query = " ".join(text.split())
    if not query:
        raise EngineError(
            "There is no text to match.", 'Say in words what is looked for: candidates match "kitchen tools".'
        )
    with workspace.opened().reading() as cursor:
        work = text_match.fetch_match_texts(cursor)
    if not work.num_rows:
        raise EngineError("No synset has pictures yet.", "`sood-tui images add ROOT` comes first.")
    settings = {"query": query, "model": model, "pretrained": pretrained}
    title = f"match {query}"
    return submit(
        workspace.root,
        "text-match",
        settings,
        work,
        device,
        shard_rows=_SHARD_TEXTS,
        title=title,
        execution=execution,
    )


def ingest_match(intake: Intake) -> None:
    """Take a finished text match in, in place of an earlier one of the same text and model."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    query, model_key = str(intake.spec.settings["query"]), str(intake.outcome.result["model_key"])
    parts = [str(part.path) for part in intake.job.parts()]
    text_match.delete_matches(intake.cursor, query, model_key)
    text_match.insert_matches(intake.cursor, query, model_key, parts, now())


def fetch_matches(
    cursor: Cursor, text: str, model_key: str | None = None, above: float | None = None, limit: int | None = None
) -> list[Match]:
    """What a match found, best first; by the model that was asked last where none is named.

    Raises: EngineError if the text was not matched.
    """
    query = " ".join(text.split())
    key = model_key or text_match.fetch_latest_match_model(cursor, query)
    if key is None:
        raise EngineError(f"{query!r} was not matched yet.", f'`sood-tui candidates match "{query}"` does it.')
    return text_match.fetch_matches(cursor, query, key, above, limit)


def accept_match(
    workspace: Workspace,
    text: str,
    superclass: str,
    above: float | None = None,
    top: int | None = None,
    model_key: str | None = None,
) -> AddReport:
    """Take what a match found as candidates of a superclass, which is made if it is not there.

    Args:
        workspace: open.
        text: as it was matched.
        superclass: its name.
        above: only similarities greater than this.
        top: at most so many of the best.
        model_key: which model's match; None for the latest.

    Raises: EngineError if neither bound is given, nothing passes them, or the text was not matched.
    """
    if above is None and top is None:
        raise EngineError("A match with every synset is no choice.", "Give --above X (a similarity) or --top N.")
    with workspace.opened().writing() as cursor:
        matches = fetch_matches(cursor, text, model_key, above, top)
        if not matches:
            raise EngineError(
                f"Nothing matches {text!r} so well.", "Give a lower --above; without --to the best are listed."
            )
        _check_name(superclass)
        known = rows.fetch_superclass_roots(cursor)
        if superclass not in known:
            rows.put_superclass(cursor, superclass, None, now())
        table = pa.table(
            {"wnid": [match.wnid for match in matches], "similarity": [match.similarity for match in matches]}
        )
        added = rows.insert_match_candidates(cursor, superclass, table, now())
        return _report(cursor, superclass, superclass not in known, added, 0)


def _add(cursor: Cursor, seed: Seed) -> AddReport:
    roots = tuple(dict.fromkeys(seed.roots))
    for wnid in roots:
        synset = fetch_synset(cursor, wnid)
        if synset.pos != "n":
            raise EngineError(
                f"{synset.name} is an adjective; superclasses are nouns.", "`sood-tui wordnet find` searches."
            )
    superclass = _name_of(cursor, seed)
    known = rows.fetch_superclass_roots(cursor)
    is_new = superclass not in known
    if not is_new and known[superclass] and roots[0] not in known[superclass]:
        theirs = ", ".join(fetch_synset(cursor, wnid).name for wnid in known[superclass])
        raise EngineError(
            f"There is a superclass {superclass} already, of {theirs}.",
            f"Give this one another name with --name, or widen that one: candidates add {known[superclass][0]} "
            f"--name {superclass} --also {roots[0]}",
        )
    limit = seed.depth if is_new or seed.depth is not None else rows.fetch_depth_limit(cursor, superclass)
    rows.put_superclass(cursor, superclass, limit, now())
    rows.insert_superclass_roots(cursor, superclass, roots)
    dropped = rows.delete_deeper_candidates(cursor, superclass)
    added = rows.insert_hyponym_candidates(cursor, superclass, seed.include_root, now())
    report = _report(cursor, superclass, is_new, added, dropped)
    if report.candidates == 0:
        raise _nothing_below(cursor, roots, limit, report.root_images)
    return report


def _nothing_below(cursor: Cursor, roots: Sequence[str], limit: int | None, root_images: int) -> EngineError:
    names = " or ".join(fetch_synset(cursor, wnid).name for wnid in roots)
    within = f" within {limit} steps" if limit is not None else ""
    hints = []
    if root_images:
        hints.append(f"The root itself has {root_images:,} pictures: --include-root takes it.")
    if limit is not None and any(fetch_count(cursor, wnid).subtree_synsets for wnid in roots):
        hints.append("A greater --depth reaches further.")
    hints.append("`sood-tui wordnet tree SYNSET --with-images` shows where pictures are.")
    return EngineError(f"No synset below {names}{within} has pictures.", " ".join(hints))


def _name_of(cursor: Cursor, seed: Seed) -> str:
    name = seed.name if seed.name is not None else fetch_synset(cursor, seed.roots[0]).lemma
    _check_name(name)
    return name


def _check_name(name: str) -> None:
    if not name or "/" in name or not name.isprintable() or any(char.isspace() for char in name):
        raise EngineError(
            f"{name!r} cannot be the name of a superclass: lists hold names without spaces and slashes.",
            "Write musical_instrument; prompts show the underscore as a space.",
        )


def _report(cursor: Cursor, superclass: str, is_new: bool, added: Sequence[str], dropped: int) -> AddReport:
    found = require(cursor, superclass)
    candidates = {candidate.wnid for candidate in rows.fetch_candidates(cursor, superclass)}
    root_images: Mapping[str, int] = {
        wnid: fetch_count(cursor, wnid).images for wnid in found.roots if wnid not in candidates
    }
    return AddReport(
        superclass,
        found.roots,
        found.depth_limit,
        is_new,
        tuple(added),
        dropped,
        found.candidates,
        found.images,
        sum(root_images.values()),
        tuple(rows.fetch_overlaps(cursor, superclass)),
    )
