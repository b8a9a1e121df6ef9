"""Drawing candidates for people to judge, so that a filter can be held against them."""

import hashlib
from dataclasses import dataclass

from engine.errors import EngineError
from engine.events import now
from engine.workspace import Workspace
from store import filters as store
from store.candidates.proposed import fetch_candidates
from store.candidates.superclasses import fetch_superclass_names

EDGES = (0.1, 0.5, 0.9)
DECIDED, PENDING = ", decided", ", pending"  # how the name of a stratum ends


@dataclass(frozen=True, slots=True)
class Audit:
    """A drawn sample: its number, how many candidates it holds, and how many each stratum gave of how many."""

    audit_id: int
    drawn: int
    strata: dict[str, tuple[int, int]]


def draw(workspace: Workspace, size: int, seed: int) -> Audit:
    """Draw a stratified sample of candidates.

    A stratum is what the newest filter said (its outcome and a band of P(yes)) and whether a person has decided; each
    gives the same number as far as it can, so that rare kinds are seen too, and every candidate notes how many it
    stands for.

    Raises: EngineError without candidates or with a size below 1.
    """
    if size < 1:
        raise EngineError("An audit draws at least one candidate.")
    with workspace.opened().writing() as cursor:
        newest = {(row.superclass, row.wnid): row for row in store.fetch_verdicts(cursor)}
        strata: dict[str, list[tuple[str, str]]] = {}
        for name in fetch_superclass_names(cursor):
            for candidate in fetch_candidates(cursor, name):
                verdict = newest.get((candidate.superclass, candidate.wnid))
                decided = PENDING if candidate.state == "pending" else DECIDED
                strata.setdefault(f"{_said(verdict)}{decided}", []).append((candidate.superclass, candidate.wnid))
        if not strata:
            raise EngineError("There is no candidate to draw.", "`sood-tui candidates add SYNSET` makes some.")
        taken = _shares({stratum: len(members) for stratum, members in strata.items()}, size)
        drawn = [
            (superclass, wnid, stratum, len(members) / taken[stratum])
            for stratum, members in sorted(strata.items())
            for superclass, wnid in sorted(members, key=lambda place: _order(seed, place))[: taken[stratum]]
        ]
        audit_id = store.insert_audit(cursor, drawn, seed, now())
    return Audit(audit_id, len(drawn), {name: (taken[name], len(members)) for name, members in sorted(strata.items())})


def _said(verdict: store.Verdict | None) -> str:
    if verdict is None:
        return "no verdict"
    if verdict.p_yes is None:
        return verdict.outcome
    band = sum(verdict.p_yes >= edge for edge in EDGES)
    low, high = (0.0, *EDGES)[band], (*EDGES, 1.0)[band]
    return f"{verdict.outcome}, P(yes) {low:g} to {high:g}"


def _shares(sizes: dict[str, int], wanted: int) -> dict[str, int]:
    """As equal a number from each stratum as its size allows; where there are more strata than that, the largest."""
    if wanted < len(sizes):
        largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:wanted]
        return {name: int(name in largest) for name in sizes}
    taken = {}
    left, waiting = min(wanted, sum(sizes.values())), len(sizes)
    for stratum in sorted(sizes, key=lambda name: (sizes[name], name)):
        taken[stratum] = min(sizes[stratum], -(-left // waiting))
        left -= taken[stratum]
        waiting -= 1
    return taken


def _order(seed: int, place: tuple[str, str]) -> bytes:
    return hashlib.sha256(f"{seed}/{place[0]}/{place[1]}".encode()).digest()
