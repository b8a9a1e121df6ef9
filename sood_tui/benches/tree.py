"""What Browse reads of WordNet: the lines that are unfolded, the marks, and what a decision on a subtree touches."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.review.subtrees import Conflict, conflicts
from engine.workspace import Workspace
from store.candidates.proposed import fetch_candidates
from store.candidates.superclasses import fetch_superclasses
from store.review.subtrees import fetch_candidates_below
from store.review.words import fetch_words
from store.wordnet.synsets import TreeNode, fetch_children, fetch_hypernym_path, fetch_roots, fetch_subtree

Path = tuple[str, ...]

MOST_LINES = 20_000  # unfolding more than this at once helps nobody


@dataclass(frozen=True, slots=True)
class Unfolded:
    """Children by wnid, for the lines that are unfolded."""

    roots: tuple[TreeNode, ...]
    below: Mapping[str, Sequence[TreeNode]]
    unfolded: set[Path]
    cursor: Path


@dataclass(frozen=True, slots=True)
class Marks:
    """What the tree shows beside a synset, and the states behind it by superclass.

    Attributes:
        signs: superclass, accept, reject, unsure, pending or conflict, by wnid.
        states: by wnid, the state under each superclass that has it as a candidate.
        roots: the superclasses that a synset is a root of.
        tallies: how many synsets of each state lie at and under a synset that has candidates below it. A synset counts
            once, however many ways lead to it and however many superclasses propose it.
        torn: the contradictions that a synset inherits.
    """

    signs: Mapping[str, str]
    states: Mapping[str, Mapping[str, str]]
    roots: Mapping[str, Sequence[str]]
    tallies: Mapping[str, Mapping[str, int]]
    torn: Mapping[str, Sequence[Conflict]]


def read_unfolded(workspace: Workspace, unfolded: Iterable[Path], wnid: str = "") -> Unfolded:
    """Read the tree as it was left, and the way down to a synset, which gets the cursor."""
    with workspace.opened().reading() as cursor:
        roots = tuple(fetch_roots(cursor))
        wanted = set(unfolded)
        way: Path = ()
        if wnid:
            way = tuple(synset.wnid for synset in fetch_hypernym_path(cursor, wnid))
        elif roots and not wanted:
            wanted = {(roots[0].wnid,)}
        wanted |= {way[:length] for length in range(1, len(way))}
        below = {name: fetch_children(cursor, name) for name in {path[-1] for path in wanted}}
        return Unfolded(roots, below, wanted, way)


def read_children(workspace: Workspace, wnid: str) -> list[TreeNode]:
    """The children of one synset."""
    with workspace.opened().reading() as cursor:
        return fetch_children(cursor, wnid)


def read_subtree(workspace: Workspace, path: Path, pictured: bool) -> tuple[dict[str, list[TreeNode]], set[Path]]:
    """Everything below a line, and the lines to unfold for it.

    Raises: EngineError when that is more than a person can read.
    """
    with workspace.opened().reading() as cursor:
        below: dict[str, list[TreeNode]] = {}
        for hypernym, node in fetch_subtree(cursor, path[-1]):
            below.setdefault(hypernym, []).append(node)
    unfold: set[Path] = set()
    waiting, lines = [path], 0
    while waiting:
        line = waiting.pop()
        children = [node for node in below.get(line[-1], []) if node.subtree_images or not pictured]
        if children:
            unfold.add(line)
        lines += len(children)
        if lines > MOST_LINES:
            raise EngineError(
                f"More than {MOST_LINES:,} lines lie under this synset.",
                "Unfold a synset further down, or press / to find one.",
            )
        waiting += [(*line, node.wnid) for node in children if node.children]
    return below, unfold


def read_marks(workspace: Workspace, blind_for: str | None = None) -> Marks:
    """The marks of all superclasses and candidates; a blind reviewer sees their own words only."""
    states: dict[str, dict[str, str]] = {}
    roots: dict[str, list[str]] = {}
    with workspace.opened().reading() as cursor:
        for row in fetch_superclasses(cursor):
            for wnid in row.roots:
                roots.setdefault(wnid, []).append(row.superclass)
            for candidate in fetch_candidates(cursor, row.superclass):
                states.setdefault(candidate.wnid, {})[row.superclass] = candidate.state
        torn: dict[str, list[Conflict]] = {}
        for conflict in () if blind_for else conflicts(cursor):
            torn.setdefault(conflict.wnid, []).append(conflict)
        if blind_for is not None:
            words = fetch_words(cursor)
            own = {(word.superclass, word.wnid): word.kind for word in words if word.reviewer == blind_for}
            states = {
                wnid: {name: own.get((name, wnid), "pending") for name in under} for wnid, under in states.items()
            }
        below = fetch_candidates_below(cursor)
    best = {wnid: _best(under.values()) for wnid, under in states.items()}
    # Accepted under two superclasses is a replica that must be settled; accepted here and rejected there is not.
    replicas = {wnid: "conflict" for wnid, under in states.items() if list(under.values()).count("accept") > 1}
    signs = {**best, **replicas, **dict.fromkeys(torn, "conflict"), **dict.fromkeys(roots, "superclass")}
    tallies = {
        wnid: Counter(best[name] for name in {wnid, *names} if name in best) for wnid, names in below.items()
    }  # fmt: skip
    return Marks(signs, states, roots, tallies, torn)


def _best(states: Collection[str]) -> str:
    return next((state for state in ("accept", "unsure", "pending", "reject") if state in states), "pending")
