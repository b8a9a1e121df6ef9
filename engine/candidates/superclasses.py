"""Superclasses from WordNet's hierarchy: what is below a root and has pictures."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.candidates.seed_list import Seed, read_seeds
from engine.errors import EngineError
from engine.events import now
from engine.workspace import Workspace
from store.candidates import proposed as rows
from store.candidates.proposed import Candidate
from store.candidates.superclasses import (
    Overlap,
    Superclass,
    UnknownSuperclass,
    count_score_runs,
    delete_superclass,
    delete_superclass_roots,
    fetch_depth_limit,
    fetch_overlaps,
    fetch_superclass_roots,
    fetch_superclasses,
    insert_superclass_roots,
    put_superclass,
)
from store.connection import Cursor
from store.images.pictures import fetch_count
from store.wordnet.synsets import fetch_synset


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
            count_score_runs(cursor, superclass),
            removed=not dry_run,
        )
        if not dry_run:
            rows.delete_candidates(cursor, superclass)
            delete_superclass_roots(cursor, superclass)
            delete_superclass(cursor, superclass)
    return report


def require(cursor: Cursor, superclass: str) -> Superclass:
    """The superclass of that name.

    Raises: UnknownSuperclass, with a near spelling.
    """
    known = {found.superclass: found for found in fetch_superclasses(cursor)}
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
    return fetch_overlaps(cursor, superclass)


def _add(cursor: Cursor, seed: Seed) -> AddReport:
    roots = tuple(dict.fromkeys(seed.roots))
    for wnid in roots:
        synset = fetch_synset(cursor, wnid)
        if synset.pos != "n":
            raise EngineError(
                f"{synset.name} is an adjective; superclasses are nouns.", "`sood-tui wordnet find` searches."
            )
    superclass = _name_of(cursor, seed)
    known = fetch_superclass_roots(cursor)
    is_new = superclass not in known
    if not is_new and known[superclass] and roots[0] not in known[superclass]:
        theirs = ", ".join(fetch_synset(cursor, wnid).name for wnid in known[superclass])
        raise EngineError(
            f"There is a superclass {superclass} already, of {theirs}.",
            f"Give this one another name with --name, or widen that one: candidates add {known[superclass][0]} "
            f"--name {superclass} --also {roots[0]}",
        )
    limit = seed.depth if is_new or seed.depth is not None else fetch_depth_limit(cursor, superclass)
    put_superclass(cursor, superclass, limit, now())
    insert_superclass_roots(cursor, superclass, roots)
    dropped = rows.delete_deeper_candidates(cursor, superclass)
    added = rows.insert_hyponym_candidates(cursor, superclass, seed.include_root, now())
    report = report_of(cursor, superclass, is_new, added, dropped)
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
    check_name(name)
    return name


def check_name(name: str) -> None:
    """Refuse a name that lists cannot hold.

    Raises: EngineError.
    """
    if not name or "/" in name or not name.isprintable() or any(char.isspace() for char in name):
        raise EngineError(
            f"{name!r} cannot be the name of a superclass: lists hold names without spaces and slashes.",
            "Write musical_instrument; prompts show the underscore as a space.",
        )


def report_of(cursor: Cursor, superclass: str, is_new: bool, added: Sequence[str], dropped: int) -> AddReport:
    """How a superclass stands after candidates came or went."""
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
        tuple(fetch_overlaps(cursor, superclass)),
    )
